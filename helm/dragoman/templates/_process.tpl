{{/*
The one template of which every process is made: (list $ $one), $one from dragoman.processes. A Deployment; whisper and
translation are StatefulSets, because the config worker addresses each of their pods by its name.
*/}}
{{- define "dragoman.workload" -}}
{{- $root := index . 0 -}}
{{- $one := index . 1 -}}
{{- $own := $one.own -}}
{{- $name := printf "%s-%s" (include "dragoman.fullname" $root) $one.component -}}
{{- $hasDevice := and $own.device $own.device.resource -}}
apiVersion: apps/v1
kind: {{ $one.kind }}
metadata:
  name: {{ $name }}
  labels:
    {{- include "dragoman.labels" (list $root $one.component) | nindent 4 }}
spec:
  {{- if not $one.scaled }}
  replicas: {{ $one.replicas }}
  {{- end }}
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      {{- include "dragoman.selector" (list $root $one.component) | nindent 6 }}
  {{- if eq $one.kind "StatefulSet" }}
  serviceName: {{ $name }}-pods
  podManagementPolicy: Parallel
  updateStrategy:
    type: RollingUpdate
  {{- else }}
  # The new one is ready before an old one is told to hand over.
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  {{- end }}
  template:
    metadata:
      labels:
        {{- include "dragoman.labels" (list $root $one.component) | nindent 8 }}
        {{- with $own.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        checksum/settings: {{ list $one.env $root.Values.secrets.values $root.Values.redis.external.url $root.Values.redis.internal.password | toJson | sha256sum }}
        {{- with $own.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "dragoman.podSpec" . | nindent 6 }}
  {{- if and (eq $one.kind "StatefulSet") $one.cached $own.modelCache.enabled (not $own.modelCache.existingClaim) }}
  persistentVolumeClaimRetentionPolicy:
    whenDeleted: Retain
    whenScaled: Delete
  volumeClaimTemplates:
    - apiVersion: v1
      kind: PersistentVolumeClaim
      metadata:
        name: models
        labels:
          {{- include "dragoman.selector" (list $root $one.component) | nindent 10 }}
      spec:
        {{- include "dragoman.claim" $own.modelCache | nindent 8 }}
  {{- end }}
{{- end -}}

{{- define "dragoman.podSpec" -}}
{{- $root := index . 0 -}}
{{- $one := index . 1 -}}
{{- $own := $one.own -}}
serviceAccountName: {{ ternary (printf "%s-bots" (include "dragoman.fullname" $root)) (include "dragoman.serviceAccount" $root) (eq $one.process "bots") }}
# Only the bots worker speaks to Kubernetes.
automountServiceAccountToken: {{ eq $one.process "bots" }}
# Else a Service named dragoman-api would set DRAGOMAN_API_PORT=tcp://….
enableServiceLinks: false
terminationGracePeriodSeconds: {{ include "dragoman.grace" $one }}
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $own.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $own.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
securityContext:
  {{- include "dragoman.podSecurity" $own.supplementalGroups | nindent 2 }}
{{- with $own.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $own.topologySpread.enabled }}
topologySpreadConstraints:
  {{- range $own.topologySpread.keys }}
  - topologyKey: {{ . }}
    maxSkew: {{ $own.topologySpread.maxSkew }}
    whenUnsatisfiable: {{ $own.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "dragoman.selector" (list $root $one.component) | nindent 8 }}
  {{- end }}
{{- end }}
containers:
  - name: {{ $one.process }}
    {{- include "dragoman.container" . | nindent 4 }}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: {{ $own.tmpSize }}}
  {{- if and $one.cached $own.modelCache.existingClaim }}
  - name: models
    persistentVolumeClaim: {claimName: {{ $own.modelCache.existingClaim }}}
  {{- else if and $one.cached (not $own.modelCache.enabled) }}
  - name: models
    emptyDir: {sizeLimit: {{ $own.modelCache.size }}}
  {{- end }}
  {{- if and $root.Values.recordings.enabled (has $one.process (list "api" "audio")) }}
  - name: recordings
    persistentVolumeClaim: {claimName: {{ $root.Values.recordings.existingClaim | default (printf "%s-recordings" (include "dragoman.fullname" $root)) }}}
  {{- end }}
  {{- if include "dragoman.wantsRedisCa" . }}
  - name: redis-ca
    secret: {secretName: {{ $root.Values.redis.external.caSecret }}}
  {{- end }}
  {{- if eq $one.process "web" }}
  - name: nginx
    configMap: {name: {{ include "dragoman.fullname" $root }}-web}
  {{- end }}
  {{- with $own.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "dragoman.container" -}}
{{- $root := index . 0 -}}
{{- $one := index . 1 -}}
{{- $own := $one.own -}}
image: {{ include "dragoman.image" (list $root $own.image) | quote }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
{{- with $one.args }}
args: {{ toJson . }}
{{- end }}
ports:
  - name: {{ $one.portName }}
    containerPort: {{ $one.port }}
    protocol: TCP
{{- if ne $one.process "web" }}
envFrom:
  - configMapRef:
      name: {{ include "dragoman.fullname" $root }}-{{ $one.component }}
{{- end }}
{{- $secret := list -}}
{{- if ne $one.process "web" }}{{ $secret = include "dragoman.secretEnv" (list $root $one.process) | fromJsonArray }}{{ end }}
{{- with concat $secret $own.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
resources:
  {{- include "dragoman.resources" $own | nindent 2 }}
securityContext:
  {{- include "dragoman.containerSecurity" $root | nindent 2 }}
{{- range $probe := list "startup" "liveness" "readiness" }}
{{- $path := ternary "/ready" "/health" (eq $probe "readiness") }}
{{- if eq $one.process "web" }}{{ $path = $own.probePath }}{{ end }}
{{ $probe }}Probe:
  httpGet: {path: {{ $path }}, port: {{ $one.portName }}}
  {{- toYaml (get $own.probes $probe) | nindent 2 }}
{{- end }}
{{- if $own.preStopSeconds }}
lifecycle:
  preStop:
    exec: {command: ["sleep", "{{ $own.preStopSeconds }}"]}
{{- end }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  {{- if $one.cached }}
  - {name: models, mountPath: /var/cache/dragoman}
  {{- end }}
  {{- if and $root.Values.recordings.enabled (has $one.process (list "api" "audio")) }}
  - {name: recordings, mountPath: {{ $root.Values.recordings.mountPath }}}
  {{- end }}
  {{- if include "dragoman.wantsRedisCa" . }}
  - {name: redis-ca, mountPath: /etc/dragoman/redis, readOnly: true}
  {{- end }}
  {{- if eq $one.process "web" }}
  - {name: nginx, mountPath: /etc/nginx/nginx.conf, subPath: nginx.conf, readOnly: true}
  {{- end }}
  {{- with $own.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Requests and limits, a device among both. */}}
{{- define "dragoman.resources" -}}
{{- $resources := deepCopy .resources -}}
{{- with .device -}}
{{- if .resource -}}
{{- range $kind := list "requests" "limits" -}}
{{- $_ := set $resources $kind (set (get $resources $kind | default dict) $.device.resource (int $.device.count)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end -}}

{{- define "dragoman.wantsRedisCa" -}}
{{- $root := index . 0 -}}
{{- $one := index . 1 -}}
{{- if and (not $root.Values.redis.internal.enabled) $root.Values.redis.external.caSecret (has $one.process (list "api" "audio" "config" "bots" "monitoring")) }}yes{{ end -}}
{{- end -}}

{{/* The restricted Pod Security Standard, and a fixed user; its argument: supplementary groups. */}}
{{- define "dragoman.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
{{- with . }}
supplementalGroups: {{ toJson . }}
{{- end }}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "dragoman.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* The spec of a claim, from {storageClass, accessModes, size}. */}}
{{- define "dragoman.claim" -}}
accessModes: {{ .accessModes | default (list "ReadWriteOnce") | toJson }}
{{- with .storageClass }}
storageClassName: {{ . | quote }}
{{- end }}
resources:
  requests:
    storage: {{ .size }}
{{- end -}}
