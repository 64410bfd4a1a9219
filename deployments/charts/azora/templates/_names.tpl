{{- define "azora.stack" -}}
{{ .Values.azora.application }}-{{ .Values.azora.color }}
{{- end }}

{{/* What identifies a component of this stack: the selector of everything that selects its pods. */}}
{{- define "azora.selector" -}}
app.kubernetes.io/name: {{ .root.Values.azora.application }}
app.kubernetes.io/component: {{ .component }}
azora.dev/color: {{ .root.Values.azora.color }}
{{- end }}

{{/* Labels of an object; with `component` those of its selector too. */}}
{{- define "azora.labels" -}}
{{- if .component }}
{{- include "azora.selector" . }}
{{- else -}}
app.kubernetes.io/name: {{ .root.Values.azora.application }}
azora.dev/color: {{ .root.Values.azora.color }}
{{- end }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* Labels of a pod: the only place that names the release, so that a selector never has to change. */}}
{{- define "azora.pod-labels" -}}
{{ include "azora.selector" . }}
azora.dev/release: {{ .root.Values.azora.release | quote }}
{{- end }}
