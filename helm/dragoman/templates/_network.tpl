{{/* Pods of components of this release, as peers: (list $ "api" …). The audio workers of all profiles are "audio". */}}
{{- define "dragoman.peers" -}}
{{- $root := first . -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/name: dragoman
      app.kubernetes.io/instance: {{ include "dragoman.fullname" $root }}
    matchExpressions:
      - key: app.kubernetes.io/component
        operator: In
        values: {{ include "dragoman.componentNames" . }}
{{- end -}}

{{- define "dragoman.componentNames" -}}
{{- $root := first . -}}
{{- $names := list -}}
{{- range $wanted := rest . -}}
{{- if has $wanted (list "audio" "whisper") -}}
{{- range $profile, $own := (get $root.Values $wanted).profiles -}}
{{- if $own.enabled }}{{ $names = append $names (printf "%s-%s" $wanted $profile) }}{{ end -}}
{{- end -}}
{{- else -}}
{{- $names = append $names $wanted -}}
{{- end -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{/* Everything that is public, on all ports. */}}
{{- define "dragoman.publicPeers" -}}
- ipBlock: {cidr: 0.0.0.0/0, except: {{ toJson .Values.networkPolicy.privateNetworks }}}
- ipBlock: {cidr: "::/0", except: {{ toJson .Values.networkPolicy.privateNetworks6 }}}
{{- end -}}

{{/* Egress rules of one process: (list $ $one). */}}
{{- define "dragoman.egress" -}}
{{- $root := index . 0 -}}
{{- $one := index . 1 -}}
{{- $policy := $root.Values.networkPolicy -}}
{{- $process := $one.process -}}
{{- $foreign := include "dragoman.foreignUrls" . | fromJsonArray -}}
- to:
    {{- toYaml $policy.dnsTo | nindent 4 }}
  ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
{{- if has $process (list "api" "audio" "config" "bots" "monitoring") }}
{{- if $root.Values.redis.internal.enabled }}
- to:
    {{- include "dragoman.peers" (list $root "redis") | nindent 4 }}
  ports: [{protocol: TCP, port: redis}]
{{- else if $root.Values.redis.external.masterProxy.enabled }}
- to:
    {{- include "dragoman.peers" (list $root "redis-master") | nindent 4 }}
  ports: [{protocol: TCP, port: redis}]
{{- else }}
{{ include "dragoman.redisEgress" $root }}
{{- end }}
{{- end }}
{{- if has $process (list "api" "audio" "config" "monitoring") }}
- to:
    {{- include "dragoman.peers" (list $root "whisper" "translation") | nindent 4 }}
  ports: [{protocol: TCP, port: http}]
{{- end }}
{{- if eq $process "web" }}
- to:
    {{- include "dragoman.peers" (list $root "api") | nindent 4 }}
  ports: [{protocol: TCP, port: http}]
{{- end }}
{{- range $port := $foreign }}
- ports: [{protocol: TCP, port: {{ $port }}}]
{{- end }}
{{- if has $process (list "bots" "monitoring") }}
# Webhooks, which the worker sends to public addresses only.
- to:
    {{- include "dragoman.publicPeers" $root | nindent 4 }}
{{- end }}
{{- if eq $process "bots" }}
- ports:
    {{- range $policy.kubernetesPorts }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with $policy.kubernetesTo }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- if and (has $process (list "whisper" "translation")) $one.cached $policy.modelHub }}
- to:
    {{- include "dragoman.publicPeers" $root | nindent 4 }}
  ports: [{protocol: TCP, port: 443}]
{{- end }}
{{- with get $policy.extraEgress $process }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The way to a Redis that is not of this release. */}}
{{- define "dragoman.redisEgress" -}}
- ports:
    {{- range .Values.redis.external.ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with .Values.networkPolicy.redisTo }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Ports of what a process calls outside of this release by the URLs of its settings, where no peer is known. */}}
{{- define "dragoman.foreignUrls" -}}
{{- $root := index . 0 -}}
{{- $one := index . 1 -}}
{{- $base := printf "http://%s-" (include "dragoman.fullname" $root) -}}
{{- $ports := list -}}
{{- range $name, $value := $one.env -}}
{{- if or (hasSuffix "_URL" $name) (hasSuffix "_URLS" $name) (eq $name "DRAGOMAN_OTLP_ENDPOINT") -}}
{{- range $url := splitList "," $value -}}
{{- if and (hasPrefix "http" $url) (not (hasPrefix $base $url)) (not (and (eq $name "DRAGOMAN_OTLP_ENDPOINT") $root.Values.networkPolicy.otlpTo)) -}}
{{- $host := (urlParse $url).host -}}
{{- $port := regexFind ":[0-9]+$" $host | trimPrefix ":" | default (ternary "443" "80" (hasPrefix "https" $url)) | int -}}
{{- $ports = append $ports $port -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- uniq $ports | toJson -}}
{{- end -}}

{{/* Ingress rules of one process: (list $ $one). */}}
{{- define "dragoman.ingressRules" -}}
{{- $root := index . 0 -}}
{{- $one := index . 1 -}}
{{- $policy := $root.Values.networkPolicy -}}
{{- if has $one.process (list "api" "web") }}
- ports: [{protocol: TCP, port: http}]
  {{- with $policy.apiFrom }}
  from:
    {{- toYaml . | nindent 4 }}
    {{- if eq $one.process "api" }}
    {{- include "dragoman.peers" (list $root "bots" "web" "tests") | nindent 4 }}
    {{- include "dragoman.runnerPeer" $root | nindent 4 }}
    {{- end }}
  {{- end }}
{{- end }}
{{- if has $one.process (list "whisper" "translation") }}
- from:
    {{- include "dragoman.peers" (list $root "api" "audio" "config" "monitoring") | nindent 4 }}
  ports: [{protocol: TCP, port: http}]
{{- end }}
{{- if ne $one.process "web" }}
{{- with $policy.metricsFrom }}
- from:
    {{- toYaml . | nindent 4 }}
  ports: [{protocol: TCP, port: {{ $one.portName }}}]
{{- end }}
{{- end }}
{{- end -}}

{{/* The pods of the runners' Jobs, as the bots worker labels them. */}}
{{- define "dragoman.runnerPeer" -}}
- podSelector: {matchLabels: {app.kubernetes.io/name: dragoman-bot}}
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ include "dragoman.runnerNamespace" . }}}}
{{- end -}}
