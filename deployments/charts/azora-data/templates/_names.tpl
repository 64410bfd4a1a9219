{{- define "data.selector" -}}
app.kubernetes.io/name: {{ .root.Values.azora.application }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "data.labels" -}}
{{ include "data.selector" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* Pods of either color, as a peer of a NetworkPolicy. */}}
{{- define "data.stacks" -}}
{podSelector: {matchLabels: {app.kubernetes.io/name: {{ .Values.azora.application }}}, matchExpressions: [{key: azora.dev/color, operator: Exists}]}}
{{- end }}

{{- define "data.image" -}}
{{- required (printf "images.%s is missing: give it by digest" .component) (get .root.Values.images .component) }}
{{- end }}
