{{/*
The first part of all objects' names: the release's name, so that no two releases of a namespace share one. At most 34
characters, so that "-translation-pods" and what Kubernetes adds to the pods of a StatefulSet find room in 63; a longer
one is cut and told apart by a hash.
*/}}
{{- define "dragoman.fullname" -}}
{{- $name := .Values.fullnameOverride | default .Release.Name -}}
{{- if gt (len $name) 34 -}}
{{- printf "%s-%s" ($name | trunc 25 | trimSuffix "-") ($name | sha256sum | trunc 8) -}}
{{- else -}}
{{- $name -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods of a component: (list $ "api"). Never changes in the life of a release. */}}
{{- define "dragoman.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: dragoman
app.kubernetes.io/instance: {{ include "dragoman.fullname" $root }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Labels of an object: (list $ "api"). */}}
{{- define "dragoman.labels" -}}
{{- $root := index . 0 -}}
{{ include "dragoman.selector" . }}
app.kubernetes.io/part-of: dragoman
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* An image: (list $ $image), $image with repository, tag and digest. */}}
{{- define "dragoman.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $path := $image.repository -}}
{{- with $root.Values.image.registry }}{{ $path = printf "%s/%s" (trimSuffix "/" .) $path }}{{ end -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $path $image.digest -}}
{{- else -}}
{{- $tag := $image.tag | default $root.Values.image.tag | default $root.Chart.AppVersion -}}
{{- if eq $tag "latest" }}{{ fail "The tag \"latest\" tells nobody what runs: name a version in image.tag." }}{{ end -}}
{{- printf "%s:%s" $path $tag -}}
{{- end -}}
{{- end -}}

{{/* The ServiceAccount of all processes but the bots worker. */}}
{{- define "dragoman.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "dragoman.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end -}}

{{/* The namespace of the runners' Jobs. */}}
{{- define "dragoman.runnerNamespace" -}}
{{ .Values.bots.namespace | default .Release.Namespace }}
{{- end -}}

{{/* Base URL of the API inside the cluster; the namespace is named for runners, which may be in another one. */}}
{{- define "dragoman.apiUrl" -}}
http://{{ include "dragoman.fullname" . }}-api.{{ .Release.Namespace }}:{{ .Values.api.service.port }}
{{- end -}}

{{/* Maps laid over one another, the last wins, also with false and empty values (which mergeOverwrite skips). JSON. */}}
{{- define "dragoman.merged" -}}
{{- $out := dict -}}
{{- range . -}}
{{- range $key, $value := . -}}
{{- $known := get $out $key -}}
{{- if and (kindIs "map" $value) (kindIs "map" $known) -}}
{{- $_ := set $out $key (include "dragoman.merged" (list $known $value) | fromJson) -}}
{{- else -}}
{{- $_ := set $out $key $value -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $out -}}
{{- end -}}

{{/* A value as the text of a variable. Numbers go by JSON: `quote` would write 524288000 as 5.24288e+08. */}}
{{- define "dragoman.text" -}}
{{- if kindIs "string" . -}}{{ . }}
{{- else if kindIs "slice" . -}}{{ join "," . }}
{{- else if kindIs "invalid" . -}}
{{- else -}}{{ toJson . }}
{{- end -}}
{{- end -}}
