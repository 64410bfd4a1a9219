{{/* The color's plain settings, as JSON. */}}
{{- define "azora.config" -}}
{{- $config := dict "AZORA_ENVIRONMENT" .Values.azora.environment }}
{{- range $service, $_ := .Values.services }}
{{- $_ := set $config (printf "%s_URL" (upper $service)) (printf "http://%s-%s" (include "azora.stack" $) $service) }}
{{- end }}
{{- range $name, $value := .Values.config }}
{{- $_ := set $config $name ($value | toString) }}
{{- end }}
{{- toJson $config }}
{{- end }}

{{/* The color's secret settings, as JSON: given, else kept from the cluster, else made at random. Made once a rendering
     (so the checksum on the pods is that of what the Secret holds), hence the memory in .Values. */}}
{{- define "azora.secrets" -}}
{{- if not (hasKey .Values "madeSecrets") }}
{{- $kept := (lookup "v1" "Secret" .Release.Namespace (printf "%s-secrets" (include "azora.stack" .))).data | default dict }}
{{- $made := dict }}
{{- range $name, $rule := .Values.secrets }}
{{- $random := printf "%s%s" ($rule.prefix | default "") (randAlphaNum 40) }}
{{- $_ := set $made $name ($rule.value | default (get $kept $name | default "" | b64dec) | default $random) }}
{{- end }}
{{- $_ := set .Values "madeSecrets" $made }}
{{- end }}
{{- toJson .Values.madeSecrets }}
{{- end }}
