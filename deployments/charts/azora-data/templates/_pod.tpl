{{- define "data.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- if eq .root.Values.storage.kind "hostPath" }}
# A folder of the node belongs to root and fsGroup does not reach it.
initContainers:
  - name: own-folder
    image: {{ include "data.image" . }}
    command: [chown, "10001:10001", /data]
    resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 64Mi}}
    securityContext:
      runAsUser: 0
      runAsGroup: 0
      runAsNonRoot: false
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL], add: [CHOWN]}
    volumeMounts: [{name: data, mountPath: /data}]
{{- end }}
{{- end }}

{{- define "data.container-security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Where the volume `data` of a component is; a claim comes from the StatefulSet's template instead. */}}
{{- define "data.source" -}}
{{- if eq .root.Values.storage.kind "hostPath" -}}
hostPath: {path: {{ .root.Values.storage.path }}/{{ .root.Release.Namespace }}/{{ .component }}, type: DirectoryOrCreate}
{{- else -}}
emptyDir: {}
{{- end }}
{{- end }}

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
