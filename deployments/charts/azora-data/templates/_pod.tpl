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

{{/* A folder of the node belongs to root, and fsGroup does not reach it. */}}
{{- define "data.own-folder" -}}
initContainers:
  - name: own-folder
    image: {{ include "data.image" . }}
    command: [chown, "{{ .user }}:{{ .user }}", /data]
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

{{/* Where the volume `data` is; a claim comes from the StatefulSet's template instead. */}}
{{- define "data.volume" -}}
{{- if eq .root.Values.storage.kind "hostPath" -}}
- {name: data, hostPath: {path: {{ .root.Values.storage.path }}/{{ .root.Release.Namespace }}/{{ .component }}, type: DirectoryOrCreate}}
{{- else -}}
- {name: data, emptyDir: {}}
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

{{/* One value of this release's Secret, as the file `password` of a volume. */}}
{{- define "data.password" -}}
- {name: password, secret: {secretName: {{ .root.Values.azora.application }}-data, defaultMode: 0440, items: [{key: {{ .component }}-password, path: password}]}}
{{- end }}
