{{/* What every pod of this release has: no way to call the API, and a plain user of its own who owns its volume. */}}
{{- define "data.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .user }}
  fsGroup: {{ .user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "data.container-security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* The volume `data` of a StatefulSet: a claim, or nothing that outlives the pod. */}}
{{- define "data.claims" -}}
volumeClaimTemplates:
  - apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: data}
    spec:
      accessModes: [ReadWriteOnce]
      {{- with .Values.storage.className }}
      storageClassName: {{ . }}
      {{- end }}
      resources: {requests: {storage: {{ .Values.storage.size }}}}
{{- end }}

{{/* One value of this release's Secret, as the file `password` of a volume. */}}
{{- define "data.password" -}}
- {name: password, secret: {secretName: {{ .root.Values.azora.application }}-data, defaultMode: 0440, items: [{key: {{ .component }}-password, path: password}]}}
{{- end }}
