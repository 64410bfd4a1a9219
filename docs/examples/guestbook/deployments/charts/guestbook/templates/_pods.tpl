{{/* By these labels Azora finds a service of a color, and the Services select its pods. */}}
{{- define "guestbook.labels" -}}
app.kubernetes.io/name: {{ .root.Values.azora.application }}
app.kubernetes.io/component: {{ .service }}
azora.dev/color: {{ .root.Values.azora.color }}
{{- end }}

{{/* The Deployment and the Service of one service; `env` are its own variables. */}}
{{- define "guestbook.service" -}}
{{- $name := printf "%s-%s-%s" .root.Values.azora.application .root.Values.azora.color .service }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels: {{- include "guestbook.labels" . | nindent 4 }}
spec:
  replicas: {{ get .root.Values.replicas .service }}
  progressDeadlineSeconds: 120
  selector:
    matchLabels: {{- include "guestbook.labels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "guestbook.labels" . | nindent 8 }}
        azora.dev/release: {{ .root.Values.azora.release | quote }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext: {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: {{ .service }}
          image: {{ get .root.Values.images .service }}
          ports: [{name: web, containerPort: 8080}]
          env:
            - {name: COLOR, value: {{ .root.Values.azora.color }}}
            - {name: RELEASE, value: {{ .root.Values.azora.release | quote }}}
            {{- range $key, $value := .env }}
            - {name: {{ $key }}, value: {{ $value | quote }}}
            {{- end }}
          readinessProbe: {httpGet: {path: /ping, port: web}, periodSeconds: 1, timeoutSeconds: 5}
          resources: {requests: {cpu: 25m, memory: 32Mi}, limits: {memory: {{ get .root.Values.memory .service }}}}
          securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  labels: {{- include "guestbook.labels" . | nindent 4 }}
spec:
  selector: {{- include "guestbook.labels" . | nindent 4 }}
  ports: [{name: web, port: 80, targetPort: web}]
{{- end }}
