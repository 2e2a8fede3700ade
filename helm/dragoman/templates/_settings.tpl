{{/* The processes that read a variable, as JSON. What has no prefix of a room is read by all of them. */}}
{{- define "dragoman.readers" -}}
{{- $all := list "api" "audio" "config" "bots" "monitoring" "whisper" "translation" -}}
{{- $rooms := dict
  "DRAGOMAN_API_" (list "api")
  "DRAGOMAN_AUDIO_" (list "audio")
  "DRAGOMAN_BOTS_" (list "api" "bots")
  "DRAGOMAN_BOT_RUNNER_" (list "bots")
  "DRAGOMAN_CLIENT_" (list "test")
  "DRAGOMAN_CONFIG_" (list "api" "config")
  "DRAGOMAN_MONITORING_" (list "monitoring")
  "DRAGOMAN_ALERTS_" (list "monitoring")
  "DRAGOMAN_RECORDINGS_" (list "api" "audio")
  "DRAGOMAN_WEBHOOKS_" (list "api" "bots" "monitoring")
  "DRAGOMAN_WHISPER_" (list "whisper")
  "DRAGOMAN_TRANSLATION_" (list "translation")
  "DRAGOMAN_REDIS_" (list "api" "audio" "config" "bots" "monitoring")
  "DRAGOMAN_SHARDS" (list "api" "audio" "config" "bots" "monitoring")
-}}
{{- $variable := . -}}
{{- $readers := $all -}}
{{- if hasPrefix "DRAGOMAN_BOTS_WORKER_" $variable -}}
{{- $readers = list "bots" -}}
{{- else -}}
{{- range $prefix, $of := $rooms -}}
{{- if hasPrefix $prefix $variable }}{{ $readers = $of }}{{ end -}}
{{- end -}}
{{- end -}}
{{- toJson $readers -}}
{{- end -}}

{{/* The variables that carry secrets, space-separated: from a Secret or not at all. */}}
{{- define "dragoman.secretVariables" -}}
DRAGOMAN_REDIS_URL DRAGOMAN_API_KEYS DRAGOMAN_API_VIEWER_TOKEN_SECRET DRAGOMAN_ALERTS_WEBHOOK_URL
DRAGOMAN_ALERTS_WEBHOOK_SECRET DRAGOMAN_ALERTS_SLACK_URL DRAGOMAN_ALERTS_ALERTMANAGER_URL
DRAGOMAN_BOTS_WORKER_KUBERNETES_TOKEN DRAGOMAN_CLIENT_KEY DRAGOMAN_CONFIG_TRANSLATION_KEY
DRAGOMAN_MONITORING_TRANSLATION_KEY DRAGOMAN_TRANSLATION_API_KEYS DRAGOMAN_TRANSLATION_OPENAI_API_KEY
{{- end -}}

{{/* Variables that are no secret in themselves, as a map in JSON: (list $ process $profile $values). */}}
{{- define "dragoman.environment" -}}
{{- $root := index . 0 -}}
{{- $process := index . 1 -}}
{{- $own := index . 3 -}}
{{- $out := include "dragoman.wiring" . | fromJson -}}
{{- $secret := include "dragoman.secretVariables" $root | splitList "\n" | join " " | splitList " " -}}
{{- range $from := list $root.Values.settings $own.env -}}
{{- range $name, $value := $from -}}
{{- if has $name $secret -}}
{{- fail (printf "%s is secret: give it by secrets.existingSecret, secrets.from or secrets.values, not in plain." $name) -}}
{{- end -}}
{{- if has $name (list "DRAGOMAN_AUDIO_PROFILE" "DRAGOMAN_WHISPER_PROFILE") -}}
{{- fail (printf "%s follows from audio.profiles and whisper.profiles: enable the profile there." $name) -}}
{{- end -}}
{{- if has $process (include "dragoman.readers" $name | fromJsonArray) -}}
{{- $_ := set $out $name $value -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $text := dict -}}
{{- range $name, $value := $out -}}
{{- $_ := set $text $name (include "dragoman.text" $value) -}}
{{- end -}}
{{- toJson $text -}}
{{- end -}}

{{/* What the chart itself tells a process: where it listens and where the others are. */}}
{{- define "dragoman.wiring" -}}
{{- $root := index . 0 -}}
{{- $process := index . 1 -}}
{{- $profile := index . 2 -}}
{{- $own := index . 3 -}}
{{- $values := $root.Values -}}
{{- $base := include "dragoman.fullname" $root -}}
{{- $out := dict
  "DRAGOMAN_LOG_LEVEL" $values.logLevel
  "DRAGOMAN_LOG_FORMAT" $values.logFormat
  "DRAGOMAN_DRAIN_TIMEOUT_S" $own.drainTimeoutSeconds
-}}
{{- with $values.otlpEndpoint }}{{ $_ := set $out "DRAGOMAN_OTLP_ENDPOINT" . }}{{ end -}}
{{- $room := printf "DRAGOMAN_%s" (upper $process) -}}
{{- if has $process (list "api" "whisper" "translation") -}}
{{- $ports := dict "api" 8080 "whisper" 8001 "translation" 8002 -}}
{{- $_ := set $out (printf "%s_HOST" $room) $values.listenAddress -}}
{{- $_ := set $out (printf "%s_PORT" $room) (get $ports $process) -}}
{{- else -}}
{{- $_ := set $out "DRAGOMAN_METRICS_HOST" $values.listenAddress -}}
{{- $_ := set $out "DRAGOMAN_METRICS_PORT" 9090 -}}
{{- end -}}
{{- if not (has $process (list "whisper" "translation")) -}}
{{- $_ := set $out "DRAGOMAN_SHARDS" $values.shards -}}
{{- $_ := set $out "DRAGOMAN_REDIS_CLUSTER" (and (not $values.redis.internal.enabled) $values.redis.external.cluster) -}}
{{- end -}}
{{- if and $values.recordings.enabled (has $process (list "api" "audio")) -}}
{{- $_ := set $out "DRAGOMAN_RECORDINGS_DIR" (printf "%s/sessions" $values.recordings.mountPath) -}}
{{- $_ := set $out "DRAGOMAN_RECORDINGS_KEEP_S" $values.recordings.keepSeconds -}}
{{- end -}}
{{- if eq $process "api" -}}
{{- $_ := set $out "DRAGOMAN_API_DEFAULT_PROFILE" $values.defaultProfile -}}
{{- $_ := set $out "DRAGOMAN_API_WHISPER_URL" (include "dragoman.whisperUrl" (list $root $values.defaultProfile)) -}}
{{- if $values.translation.enabled }}{{ $_ := set $out "DRAGOMAN_API_TRANSLATION_URL" (printf "http://%s-translation:8002" $base) }}{{ end -}}
{{- end -}}
{{- if eq $process "audio" -}}
{{- $_ := set $out "DRAGOMAN_AUDIO_PROFILE" $profile -}}
{{- $_ := set $out "DRAGOMAN_AUDIO_WHISPER_URL" (include "dragoman.whisperUrl" (list $root $profile)) -}}
{{- if $values.translation.enabled }}{{ $_ := set $out "DRAGOMAN_AUDIO_TRANSLATION_URL" (printf "http://%s-translation:8002" $base) }}{{ end -}}
{{- end -}}
{{- if has $process (list "api" "config") -}}
{{- $_ := set $out "DRAGOMAN_CONFIG_WHISPER_URLS" (include "dragoman.whisperPodUrls" $root | trim | default "none") -}}
{{- $_ := set $out "DRAGOMAN_CONFIG_TRANSLATION_URLS" (include "dragoman.translationPodUrls" $root | trim | default "none") -}}
{{- end -}}
{{- if eq $process "monitoring" -}}
{{- with include "dragoman.whisperUrls" $root | trim }}{{ $_ := set $out "DRAGOMAN_MONITORING_WHISPER_URLS" . }}{{ end -}}
{{- if $values.translation.enabled }}{{ $_ := set $out "DRAGOMAN_MONITORING_TRANSLATION_URLS" (printf "http://%s-translation:8002" $base) }}{{ end -}}
{{- end -}}
{{- if eq $process "bots" -}}
{{- $_ := set $out "DRAGOMAN_BOTS_WORKER_LAUNCHER" "kubernetes" -}}
{{- $_ := set $out "DRAGOMAN_BOTS_WORKER_API_URL" (include "dragoman.apiUrl" $root) -}}
{{- $_ := set $out "DRAGOMAN_BOTS_WORKER_MAX_BOTS" $values.bots.maxBots -}}
{{- $_ := set $out "DRAGOMAN_BOTS_WORKER_KUBERNETES_NAMESPACE" (include "dragoman.runnerNamespace" $root) -}}
{{- $_ := set $out "DRAGOMAN_BOTS_WORKER_RUNNER_IMAGE" (include "dragoman.image" (list $root $values.bots.runner.image)) -}}
{{- $_ := set $out "DRAGOMAN_BOTS_WORKER_RUNNER_CPU" $values.bots.runner.cpu -}}
{{- $_ := set $out "DRAGOMAN_BOTS_WORKER_RUNNER_MEMORY" $values.bots.runner.memory -}}
{{- $_ := set $out "DRAGOMAN_BOTS_WORKER_RUNNER_SERVICE_ACCOUNT" (printf "%s-bot-runner" $base) -}}
{{- end -}}
{{- if eq $process "whisper" -}}
{{- $_ := set $out "DRAGOMAN_WHISPER_PROFILE" $profile -}}
{{- if ne $profile "mock" -}}
{{- $_ := set $out "DRAGOMAN_WHISPER_MODEL" $own.model -}}
{{- $_ := set $out "DRAGOMAN_WHISPER_DOWNLOAD_DIR" "/var/cache/dragoman/models" -}}
{{- $_ := set $out "HF_HOME" "/var/cache/dragoman/hub" -}}
{{- end -}}
{{- end -}}
{{- if eq $process "translation" -}}
{{- $_ := set $out "DRAGOMAN_TRANSLATION_PROFILE" $own.profile -}}
{{- if ne $own.profile "mock" -}}
{{- with $own.models }}{{ $_ := set $out "DRAGOMAN_TRANSLATION_MODELS" . }}{{ end -}}
{{- $_ := set $out "DRAGOMAN_TRANSLATION_DOWNLOAD_DIR" "/var/cache/dragoman/models" -}}
{{- $_ := set $out "HF_HOME" "/var/cache/dragoman/hub" -}}
{{- end -}}
{{- end -}}
{{- toJson $out -}}
{{- end -}}

{{/* The whisper service of a profile: (list $ "cpu"). */}}
{{- define "dragoman.whisperUrl" -}}
{{- $root := index . 0 -}}
{{- $profile := index . 1 -}}
{{- $audio := get $root.Values.audio.profiles $profile | default dict -}}
{{- $service := get $root.Values.whisper.profiles $profile | default dict -}}
{{- $own := get $audio "whisperUrl" | default $root.Values.audio.whisperUrl -}}
{{- if $own -}}
{{ $own }}
{{- else if $service.enabled -}}
http://{{ include "dragoman.fullname" $root }}-whisper-{{ $profile }}:8001
{{- else -}}
{{- fail (printf "The profile %s has no whisper service: enable whisper.profiles.%s, or name one in audio.profiles.%s.whisperUrl." $profile $profile $profile) -}}
{{- end -}}
{{- end -}}

{{/* All whisper services by their Services' names, those of elsewhere too. */}}
{{- define "dragoman.whisperUrls" -}}
{{- $root := . -}}
{{- $urls := list -}}
{{- range $profile, $own := $root.Values.whisper.profiles -}}
{{- if $own.enabled }}{{ $urls = append $urls (printf "http://%s-whisper-%s:8001" (include "dragoman.fullname" $root) $profile) }}{{ end -}}
{{- end -}}
{{- join "," (concat $urls (include "dragoman.foreignWhisperUrls" $root | splitList "," | compact) | uniq) -}}
{{- end -}}

{{- define "dragoman.foreignWhisperUrls" -}}
{{- $urls := list -}}
{{- range $profile, $own := .Values.audio.profiles -}}
{{- if $own.enabled -}}
{{- with get $own "whisperUrl" | default $.Values.audio.whisperUrl }}{{ $urls = append $urls . }}{{ end -}}
{{- end -}}
{{- end -}}
{{- join "," (uniq $urls) -}}
{{- end -}}

{{/* Every single whisper pod, for what must reach all of them; those of elsewhere as they are named. */}}
{{- define "dragoman.whisperPodUrls" -}}
{{- $root := . -}}
{{- $urls := list -}}
{{- range $profile, $own := $root.Values.whisper.profiles -}}
{{- if $own.enabled -}}
{{- $name := printf "%s-whisper-%s" (include "dragoman.fullname" $root) $profile -}}
{{- range $i := until (int $own.replicas) }}{{ $urls = append $urls (printf "http://%s-%d.%s-pods:8001" $name $i $name) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- join "," (concat $urls (include "dragoman.foreignWhisperUrls" $root | splitList "," | compact) | uniq) -}}
{{- end -}}

{{- define "dragoman.translationPodUrls" -}}
{{- $urls := list -}}
{{- if .Values.translation.enabled -}}
{{- $name := printf "%s-translation" (include "dragoman.fullname" .) -}}
{{- range $i := until (int .Values.translation.replicas) }}{{ $urls = append $urls (printf "http://%s-%d.%s-pods:8002" $name $i $name) }}{{ end -}}
{{- end -}}
{{- join "," $urls -}}
{{- end -}}
