{{/* The color that is not the given one. */}}
{{- define "router.other" -}}
{{ ternary "green" "blue" (eq . "blue") }}
{{- end }}

{{- define "router.labels" -}}
app.kubernetes.io/name: {{ .root.Values.azora.application }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}
