{{- define "data.selector" -}}
app.kubernetes.io/name: {{ .root.Values.azora.application }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "data.labels" -}}
{{ include "data.selector" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "data.image" -}}
{{- $image := required (printf "images.%s is missing" .component) (get .root.Values.images .component) -}}
{{- list .root.Values.registry $image | compact | join "/" }}
{{- end }}

{{/* A variable from the Secret of this release: name, key. */}}
{{- define "data.secret-env" -}}
- {name: {{ .name }}, valueFrom: {secretKeyRef: {name: {{ .root.Values.azora.application }}-data, key: {{ .key }}}}}
{{- end }}
