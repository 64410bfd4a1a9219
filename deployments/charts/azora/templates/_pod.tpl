{{/* What the Pod Security Standard `restricted` asks of a pod and of its containers, and a little more. */}}
{{- define "azora.pod-security" -}}
automountServiceAccountToken: false
enableServiceLinks: false     # a Service named azora would set AZORA_PORT and the like in every pod
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "azora.container-security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Who the pod is (from its own labels), then its plain and its secret variables. */}}
{{- define "azora.env" -}}
- {name: AZORA_COLOR, valueFrom: {fieldRef: {fieldPath: "metadata.labels['azora.dev/color']"}}}
- {name: AZORA_RELEASE, valueFrom: {fieldRef: {fieldPath: "metadata.labels['azora.dev/release']"}}}
{{- range $name, $value := .env }}
- {name: {{ $name }}, value: {{ $value | toString | quote }}}
{{- end }}
{{- range $name, $source := .secretEnv }}
{{- $parts := splitn "/" 2 $source }}
{{- $secret := get (dict "data" (printf "%s-data" $.root.Values.azora.application) "color" (printf "%s-secrets" (include "azora.stack" $.root))) $parts._0 | default $parts._0 }}
- {name: {{ $name }}, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ $parts._1 }}}}}
{{- end }}
{{- end }}
