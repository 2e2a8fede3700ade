{{/*
All processes of this release, as a JSON list. Each has: component (its name), process (whose settings it reads), profile,
own (its values, laid over the defaults), env (its variables that are no secret), kind, port, portName, args, replicas,
scaled (whether something else sets the replicas), served (whether it has a Service), cached (whether it keeps models).
*/}}
{{- define "dragoman.processes" -}}
{{- $root := . -}}
{{- $values := .Values -}}
{{- $wanted := list -}}
{{- range $process := list "api" "config" "monitoring" "bots" "translation" "web" -}}
{{- $own := get $values $process -}}
{{- if $own.enabled -}}
{{- $wanted = append $wanted (dict "component" $process "process" $process "profile" "" "own" $own) -}}
{{- end -}}
{{- end -}}
{{- range $process := list "audio" "whisper" -}}
{{- range $profile, $own := (get $values $process).profiles -}}
{{- if $own.enabled -}}
{{- $own = include "dragoman.merged" (list (omit (get $values $process) "profiles") $own) | fromJson -}}
{{- $wanted = append $wanted (dict "component" (printf "%s-%s" $process $profile) "process" $process "profile" $profile "own" $own) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $out := list -}}
{{- range $one := $wanted -}}
{{- $out = append $out (include "dragoman.described" (list $root $one) | fromJson) -}}
{{- end -}}
{{- toJson $out -}}
{{- end -}}

{{/* One process with all that its manifests need. */}}
{{- define "dragoman.described" -}}
{{- $root := index . 0 -}}
{{- $one := index . 1 -}}
{{- $process := $one.process -}}
{{- $own := include "dragoman.merged" (list $root.Values.defaults $one.own) | fromJson -}}
{{- $env := dict -}}
{{- if eq $process "web" -}}
{{- $env = dict -}}
{{- else -}}
{{- $env = include "dragoman.environment" (list $root $process $one.profile $own) | fromJson -}}
{{- end -}}
{{- $service := has $process (list "whisper" "translation") -}}
{{- $portVariable := "DRAGOMAN_METRICS_PORT" -}}
{{- if has $process (list "api" "whisper" "translation") }}{{ $portVariable = printf "DRAGOMAN_%s_PORT" (upper $process) }}{{ end -}}
{{- $port := get $env $portVariable | int -}}
{{- if eq $process "web" }}{{ $port = 8080 }}{{ end -}}
{{- if lt $port 1024 -}}
{{- fail (printf "%s of %s must be a fixed port from 1024 on: the pods have no right to lower ones." $portVariable $one.component) -}}
{{- end -}}
{{- $args := list "worker" $process -}}
{{- if has $process (list "api" "whisper" "translation") }}{{ $args = list $process }}{{ end -}}
{{- if eq $process "web" }}{{ $args = list }}{{ end -}}
{{- $autoscaling := get $own "autoscaling" | default dict -}}
{{- $keda := get $own "keda" | default dict -}}
{{- if and $autoscaling.enabled $keda.enabled -}}
{{- fail (printf "%s has autoscaling and keda enabled: two masters of one number; enable one of them." $one.component) -}}
{{- end -}}
{{- $scaled := or $autoscaling.enabled $keda.enabled | default false -}}
{{- $replicas := int $own.replicas -}}
{{- if $autoscaling.enabled }}{{ $replicas = int $autoscaling.minReplicas }}{{ else if $keda.enabled }}{{ $replicas = int $keda.minReplicas }}{{ end -}}
{{- $cached := and $service (ne ($one.profile | default ($own.profile | default "")) "mock") -}}
{{- merge (dict
  "own" $own
  "env" $env
  "kind" (ternary "StatefulSet" "Deployment" $service)
  "port" $port
  "portName" (ternary "http" "metrics" (has $process (list "api" "whisper" "translation" "web")))
  "args" $args
  "replicas" $replicas
  "scaled" $scaled
  "served" (or $service (has $process (list "api" "web")))
  "cached" $cached
) $one | toJson -}}
{{- end -}}

{{/* Seconds that a pod is given to end: before SIGTERM, the drain, and 5 for what is sent last. */}}
{{- define "dragoman.grace" -}}
{{- $drain := get .env "DRAGOMAN_DRAIN_TIMEOUT_S" | default (toString .own.drainTimeoutSeconds) | float64 | ceil | int -}}
{{- add $drain (int .own.preStopSeconds) 5 -}}
{{- end -}}
