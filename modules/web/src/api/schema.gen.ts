// Made by modules/web/types/generate.mjs from `dragoman schema openapi`; not to be edited.
// sha256 ce25768d583bcd57c95b939395a80b2f1109e105187621338de095d273b60a51

export interface paths {
    "/asyncapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The WebSockets as an AsyncAPI 3 document
         * @description Generated from the messages' own classes.
         */
        get: operations["get_asyncapi_asyncapi_json_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the process lives
         * @description 200 while a restart would not help, else 503.
         */
        get: operations["get_health_health_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Prometheus metrics
         * @description Metrics in Prometheus' text format.
         */
        get: operations["get_metrics_metrics_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the process can take work
         * @description 200 when every part works, else 503 with the reason for each part that does not.
         */
        get: operations["get_ready_ready_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audio/transcriptions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Transcribe a file (OpenAI-compatible)
         * @description Transcribe a whole recording; for live audio create a session instead.
         */
        post: operations["create_transcription_v1_audio_transcriptions_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/bots": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List bots
         * @description Your bots, newest first, also those that ended within the last day.
         */
        get: operations["list_bots_v1_bots_get"];
        put?: never;
        /**
         * Ask for a bot
         * @description Keep the request; the bots worker starts the bot when it is due and there is room.
         *
         *     With `Idempotency-Key` (or `client_key`) the same request may be sent any number of times: there is one
         *     bot.
         */
        post: operations["create_bot_v1_bots_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/bots/{bot_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a bot
         * @description The bot as it is now, its history, and whether it waits for room.
         */
        get: operations["get_bot_v1_bots__bot_id__get"];
        put?: never;
        post?: never;
        /**
         * Stop a bot
         * @description Let the bot leave and end, whatever it does now. Stopping it twice, or after its end, is no error.
         */
        delete: operations["stop_bot_v1_bots__bot_id__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/bots/{bot_id}/reports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A runner's report
         * @description What a bot's runner tells every second, with its own token; the answer says what is wanted of it.
         *
         *     409 `fenced`: another runner has its place; it has to leave.
         */
        post: operations["post_report_v1_bots__bot_id__reports_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/bots/{bot_id}/screenshots": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a bot's screenshots
         * @description What a browser bot saw when it failed, or needed help.
         */
        get: operations["list_screenshots_v1_bots__bot_id__screenshots_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/bots/{bot_id}/screenshots/{time_ms}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a screenshot
         * @description The picture, as PNG.
         */
        get: operations["get_screenshot_v1_bots__bot_id__screenshots__time_ms__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/bots/{bot_id}/transcript": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the transcript of a bot
         * @description The transcript of its session so far; see `GET /v1/sessions/{session_id}/transcript`.
         */
        get: operations["get_bot_transcript_v1_bots__bot_id__transcript_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/capabilities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What this installation can do
         * @description Languages, limits, and what is offered; also for viewers' tokens.
         *
         *     It answers 200 within 2 s also while a service is away: `problems` tells what is not known then, and why.
         *     Answers of the services are kept for 5 s.
         */
        get: operations["get_capabilities_v1_capabilities_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What is set for the whole installation
         * @description The system's scope, the version of the configuration, and the names of its presets.
         */
        get: operations["get_config_v1_config_get"];
        /**
         * Replace what is set for the whole installation
         * @description What is left out or null is no longer set. Presets stay.
         */
        put: operations["put_config_v1_config_put"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change what is set for the whole installation
         * @description Merge into the system's scope; null takes a field out.
         */
        patch: operations["patch_config_v1_config_patch"];
        trace?: never;
    };
    "/v1/config/changes/{change_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What became of a change
         * @description Kept for seven days.
         */
        get: operations["get_change_v1_config_changes__change_id__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/diff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What differs between two versions
         * @description Field by field, in both scopes.
         */
        get: operations["get_diff_v1_config_diff_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/effective": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a new session runs with
         * @description The values of all scopes together, and the scope that each comes from.
         */
        get: operations["get_effective_config_v1_config_effective_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the versions
         * @description Who changed the configuration and when, newest first.
         */
        get: operations["list_versions_v1_config_history_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/history/{version}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a version
         * @description All that the version set.
         */
        get: operations["get_version_v1_config_history__version__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/presets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the presets
         * @description The names that sessions can give in `preset`.
         */
        get: operations["list_presets_v1_config_presets_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/presets/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a preset
         * @description What the preset sets.
         */
        get: operations["get_preset_v1_config_presets__name__get"];
        /**
         * Make or replace a preset
         * @description A preset sets voice_activity, recognition and partials only. `If-None-Match: *` replaces none.
         */
        put: operations["put_preset_v1_config_presets__name__put"];
        post?: never;
        /**
         * Delete a preset
         * @description Sessions that name it go on without. The preset that `session.preset` names cannot be deleted.
         */
        delete: operations["delete_preset_v1_config_presets__name__delete"];
        options?: never;
        head?: never;
        /**
         * Change a preset
         * @description Merge into the preset; null takes a field out.
         */
        patch: operations["patch_preset_v1_config_presets__name__patch"];
        trace?: never;
    };
    "/v1/config/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Return to a version
         * @description All scopes are again as in that version; it becomes a new version.
         */
        post: operations["roll_back_v1_config_rollback_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/schema": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * JSON Schema of the values
         * @description What each scope can set, with units, bounds and examples.
         */
        get: operations["get_config_schema_v1_config_schema_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/glossaries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the sets of terms
         * @description The names that sessions can give in `glossaries`.
         */
        get: operations["list_glossaries_v1_glossaries_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/glossaries/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a set of terms
         * @description The terms as they are kept.
         */
        get: operations["get_glossary_v1_glossaries__name__get"];
        /**
         * Make or replace a set of terms
         * @description Replace the whole set. Sessions that named it before keep the terms that they were given.
         */
        put: operations["put_glossary_v1_glossaries__name__put"];
        post?: never;
        /**
         * Delete a set of terms
         * @description Forget the set. Sessions that named it keep the terms that they were given.
         */
        delete: operations["delete_glossary_v1_glossaries__name__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List sessions
         * @description Sessions, newest first, also those that ended a while ago.
         */
        get: operations["list_sessions_v1_sessions_get"];
        put?: never;
        /**
         * Create a session
         * @description Make a session; its speaker connects to `audio_url`, its viewers to `events_url`.
         *
         *     A session that no speaker opens within an hour is forgotten.
         */
        post: operations["create_session_v1_sessions_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{session_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a session
         * @description The session as it is now; with a viewer's token what a viewer has to know of it.
         */
        get: operations["get_session_v1_sessions__session_id__get"];
        put?: never;
        post?: never;
        /**
         * End a session
         * @description End the session, also while its speaker is connected (the socket is closed with 4410).
         *
         *     What was accepted is still transcribed: the status is `ending` until `session.ended` was sent. Ending a
         *     session twice is no error.
         */
        delete: operations["end_session_v1_sessions__session_id__delete"];
        options?: never;
        head?: never;
        /**
         * Rename a session
         * @description Give a session a title, also one that has ended.
         */
        patch: operations["change_session_v1_sessions__session_id__patch"];
        trace?: never;
    };
    "/v1/sessions/{session_id}/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get what the session runs with
         * @description The effective values, each with the scope that it comes from.
         */
        get: operations["get_session_config_v1_sessions__session_id__config_get"];
        /**
         * Change what the session sets
         * @description Replace preset and values, at any time until the session has ended; what is left out is not set.
         *
         *     A worker takes it over within about a second, from the audio of that moment on.
         */
        put: operations["put_session_config_v1_sessions__session_id__config_put"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{session_id}/end": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End a session (for clients without DELETE)
         * @description End the session, also while its speaker is connected (the socket is closed with 4410).
         *
         *     What was accepted is still transcribed: the status is `ending` until `session.ended` was sent. Ending a
         *     session twice is no error.
         */
        post: operations["end_session_v1_sessions__session_id__end_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{session_id}/ledger": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the ledger
         * @description Where every received millisecond of the session's audio went.
         */
        get: operations["get_ledger_v1_sessions__session_id__ledger_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{session_id}/presence": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get who is connected
         * @description The speakers and viewers that are connected now, in all API processes.
         *
         *     Sockets of a process that was killed are listed for up to 30 s.
         */
        get: operations["get_presence_v1_sessions__session_id__presence_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{session_id}/recording": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the recording
         * @description The audio of a session as a WAV file; of a live one as far as it is.
         *
         *     Byte 44 + 32 n is the first of millisecond n of the session, as the words' times count. Audio that was
         *     lost is silence. Wants an API key or the cookie of `recording/access`.
         */
        get: operations["get_recording_v1_sessions__session_id__recording_get"];
        put?: never;
        post?: never;
        /**
         * Delete the recording
         * @description Delete the recording for good; a live session is recorded no further. Twice is no error.
         */
        delete: operations["delete_recording_v1_sessions__session_id__recording_delete"];
        options?: never;
        /**
         * Look at the recording
         * @description How long the WAV file is now, without it.
         */
        head: operations["head_recording_v1_sessions__session_id__recording_head"];
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{session_id}/recording/access": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Let this browser hear the recording
         * @description Set a cookie that reaches this recording for an hour: an `<audio>` element cannot send a key.
         */
        post: operations["create_recording_access_v1_sessions__session_id__recording_access_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{session_id}/transcript": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the transcript so far
         * @description All final segments, as JSON, plain text, SubRip or WebVTT, as spoken or translated.
         *
         *     A segment that has no translation is shown as it was spoken, in brackets; in JSON its text is null.
         */
        get: operations["get_transcript_v1_sessions__session_id__transcript_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{session_id}/translation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get how the session is translated
         * @description Target languages, options and all terms, also those that came from named sets.
         */
        get: operations["get_translation_v1_sessions__session_id__translation_get"];
        /**
         * Change how the session is translated
         * @description Replace all of it, at any time until the session has ended; what is left out gets its default.
         *
         *     A worker takes it over within about a second and tells all sockets with `session.targets`. What is
         *     translated already stays.
         */
        put: operations["put_translation_v1_sessions__session_id__translation_put"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{session_id}/viewer-tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a token for viewers
         * @description A token that reads this session: its title and status, its events, its transcript and its ledger.
         */
        post: operations["create_viewer_token_v1_sessions__session_id__viewer_tokens_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/system/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How all parts are
         * @description Each part of the installation: `ok`, or why it is not. Always 200; `/ready` is for load balancers.
         *
         *     `parts` are seen from this process; `monitor` is the whole installation as the monitoring worker saw it.
         */
        get: operations["get_system_health_v1_system_health_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/system/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The whole installation in one look
         * @description What the monitoring worker saw last, at most some seconds ago: services, processes, streams, sessions
         *     with their backlog, bots, and the anomalies that are open. 503 `no_monitor` if none looks.
         */
        get: operations["get_system_overview_v1_system_overview_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/system/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What each API key has used
         * @description Audio, sessions, translated characters and bots by day and key. A session counts on the day of its end,
         *     with all its audio; live ones count nothing yet. Kept for 400 days.
         */
        get: operations["get_system_usage_v1_system_usage_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List webhooks
         * @description Those of this API key, oldest first.
         */
        get: operations["list_webhooks_v1_webhooks_get"];
        put?: never;
        /**
         * Make a webhook
         * @description Events are posted to `url` from now on, as CloudEvents signed by Standard Webhooks.
         *
         *     The secret is shown this once. An attempt succeeds with any 2xx; others are repeated for up to a day.
         */
        post: operations["create_webhook_v1_webhooks_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{webhook_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a webhook
         * @description The webhook as it is now, without its secret.
         */
        get: operations["get_webhook_v1_webhooks__webhook_id__get"];
        put?: never;
        post?: never;
        /**
         * Delete a webhook
         * @description Nothing more is sent, and its deliveries are forgotten.
         */
        delete: operations["delete_webhook_v1_webhooks__webhook_id__delete"];
        options?: never;
        head?: never;
        /**
         * Change a webhook
         * @description What is left out stays. The secret is changed with `rotate`.
         */
        patch: operations["change_webhook_v1_webhooks__webhook_id__patch"];
        trace?: never;
    };
    "/v1/webhooks/{webhook_id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List deliveries
         * @description The log of what was sent and how it went, newest first.
         */
        get: operations["list_deliveries_v1_webhooks__webhook_id__deliveries_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{webhook_id}/deliveries/{delivery}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a delivery
         * @description A delivery with the event that is sent.
         */
        get: operations["get_delivery_v1_webhooks__webhook_id__deliveries__delivery__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{webhook_id}/deliveries/{delivery}/redeliver": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a delivery again
         * @description Post an event again that was delivered or given up, with the same id and all attempts anew.
         */
        post: operations["redeliver_v1_webhooks__webhook_id__deliveries__delivery__redeliver_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{webhook_id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give a webhook a new secret
         * @description The new secret is shown this once; for 24 h the old one signs too, each in a signature of its own.
         */
        post: operations["rotate_secret_v1_webhooks__webhook_id__rotate_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{webhook_id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a test event
         * @description Post a `webhook.test`, whatever the webhook's filters; read the delivery to see what came of it.
         */
        post: operations["send_test_v1_webhooks__webhook_id__test_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * AnomalyRule
         * @description When a measure of the monitoring worker is an anomaly, with hysteresis.
         *
         *     It opens after ``measure`` was above ``above`` (or below ``below``) for ``for_s`` without a break, and
         *     closes after it was back past ``clear`` for ``clear_for_s``.
         */
        AnomalyRule: {
            /**
             * Above
             * @example 5
             */
            above?: number | null;
            /**
             * Below
             * @example null
             */
            below?: number | null;
            /**
             * Clear
             * @description Left out: the same threshold.
             * @example 2
             */
            clear?: number | null;
            /**
             * Clear For S
             * @default 10
             */
            clear_for_s?: number;
            /**
             * Enabled
             * @default true
             */
            enabled?: boolean;
            /**
             * For S
             * @default 10
             */
            for_s?: number;
            /**
             * Measure
             * @description GET /v1/system/overview lists them.
             * @example backlog_seconds
             */
            measure: string;
            /**
             * Severity
             * @default warning
             * @enum {string}
             */
            severity?: "info" | "warning" | "critical";
        };
        /**
         * AnomalySeen
         * @description A rule that holds now.
         */
        AnomalySeen: {
            /**
             * Measure
             * @example backlog_seconds
             */
            measure: string;
            /**
             * Message
             * @example backlog seconds of 0f3c1d2e4b5a69788796a5b4c3d2e1f0 is 24, above 20
             */
            message: string;
            /**
             * Rule
             * @example backlog_seconds
             */
            rule: string;
            /**
             * Severity
             * @example warning
             * @enum {string}
             */
            severity: "info" | "warning" | "critical";
            /**
             * Since Ms
             * @description Unix ms.
             * @example 1738324800000
             */
            since_ms: number;
            /**
             * Subject
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            subject: string;
            /**
             * Value
             * @example 24
             */
            value: number;
        };
        /**
         * Bot
         * @description A bot as it is now.
         */
        Bot: {
            /**
             * Attempt
             * @example 1
             */
            attempt: number;
            cause: components["schemas"]["BotCauseBody"];
            /**
             * Completion
             * @description Why it completed.
             * @example null
             */
            completion: string | null;
            /**
             * Created At
             * Format: date-time
             * @example 2025-01-31T12:00:00.000Z
             */
            created_at: string;
            /** @example null */
            degraded: components["schemas"]["BotDegradation"] | null;
            /**
             * Driver
             * @example browser
             * @enum {string}
             */
            driver: "media" | "browser";
            /**
             * Ended At
             * @example null
             */
            ended_at: string | null;
            /**
             * Events Url
             * @description WebSocket of its events.
             * @example ws://127.0.0.1:8080/v1/bots/0f3c1d2e4b5a69788796a5b4c3d2e1f0/events
             */
            events_url: string;
            /**
             * Failure Stage
             * @description Where it failed.
             * @example null
             */
            failure_stage: string | null;
            /** History */
            history: components["schemas"]["BotStep"][];
            /**
             * Id
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            id: string;
            /**
             * Join At
             * @description When it is to join; null: at once.
             * @example null
             */
            join_at: string | null;
            queue: components["schemas"]["BotQueue"];
            /**
             * Recipe
             * @example jitsi
             */
            recipe: string;
            report: components["schemas"]["BotFigures"] | null;
            /**
             * Restarts
             * @description Runners that were replaced after it was active.
             * @example 0
             */
            restarts: number;
            /**
             * Session Id
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            session_id: string;
            /**
             * Session Url
             * @example /v1/sessions/0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            session_url: string;
            /** @example active */
            state: components["schemas"]["BotState"];
            /**
             * State At
             * Format: date-time
             * @description When it came into its state.
             * @example 2025-01-31T12:00:00.000Z
             */
            state_at: string;
            /**
             * Stop Requested
             * @example false
             */
            stop_requested: boolean;
            /**
             * Url
             * @description Scheme, host and path only.
             * @example https://meet.example/room
             */
            url: string;
        };
        /**
         * BotCauseBody
         * @description Why something happened.
         */
        BotCauseBody: {
            /**
             * Code
             * @example not_admitted
             */
            code: string;
            /**
             * Message
             * @example nobody let it in within 600 s
             */
            message: string;
        };
        /**
         * BotDegradation
         * @description What an active bot lacks.
         */
        BotDegradation: {
            /**
             * Code
             * @example no_audio
             * @enum {string}
             */
            code: "no_audio" | "no_words";
            /**
             * Since
             * Format: date-time
             * @example 2025-01-31T12:00:00.000Z
             */
            since: string;
        };
        /**
         * BotFigures
         * @description What its runner told last.
         */
        BotFigures: {
            /**
             * At
             * Format: date-time
             * @example 2025-01-31T12:00:00.000Z
             */
            at: string;
            /**
             * Audio Ms
             * @description Audio that was captured and sent.
             * @example 61000
             */
            audio_ms: number;
            /**
             * Participants
             * @description The others; null: not known.
             * @example 3
             */
            participants: number | null;
            /**
             * Peak
             * @description Loudest sample of the last second, in [0, 1].
             * @example 0.31
             */
            peak: number;
            /**
             * Reconnects
             * @example 0
             */
            reconnects: number;
            /**
             * Silent Ms
             * @description How long it has been silent.
             * @example 1200
             */
            silent_ms: number;
            /**
             * Speaking
             * @description How many of them speak; null: not known.
             * @example 1
             */
            speaking: number | null;
            /**
             * State
             * @example active
             */
            state: string;
        };
        /**
         * BotLimitsBody
         * @description Bounds of one bot in seconds; what is left out is the configuration's.
         */
        BotLimitsBody: {
            /**
             * Alone S
             * @description Then it leaves a meeting that it is alone in.
             * @example 60
             */
            alone_s?: number | null;
            /**
             * Length S
             * @description Then it leaves in any case.
             * @example 14400
             */
            length_s?: number | null;
            /**
             * Silence S
             * @description Then it leaves a meeting in which nobody speaks.
             * @example 1800
             */
            silence_s?: number | null;
            /**
             * Waiting Room S
             * @description Then it gives up waiting to be admitted.
             * @example 600
             */
            waiting_room_s?: number | null;
        };
        /**
         * BotList
         * @description A page of bots, newest first.
         */
        BotList: {
            /** Bots */
            bots: components["schemas"]["BotSummary"][];
            /**
             * Next Cursor
             * @description `cursor` of the next page; null on the last.
             * @example 1738324800000.0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            next_cursor: string | null;
        };
        /**
         * BotQueue
         * @description Whether the bot waits for a worker with room.
         */
        BotQueue: {
            /**
             * Position
             * @description Its place in the queue, from 1.
             * @example null
             */
            position: number | null;
            /**
             * Queued
             * @description It is due, and no worker has room for it.
             * @example false
             */
            queued: boolean;
        };
        /**
         * BotSeen
         * @description A bot that has not ended.
         */
        BotSeen: {
            /**
             * Age S
             * @example 95
             */
            age_s: number;
            /**
             * Degraded
             * @description Empty, or what it lacks.
             * @example
             */
            degraded: string;
            /**
             * Driver
             * @example browser
             */
            driver: string;
            /**
             * Id
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            id: string;
            /**
             * Session Id
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            session_id: string;
            /**
             * State
             * @example active
             */
            state: string;
            /**
             * Worker
             * @example host-4711-a1b2c3
             */
            worker: string;
        };
        /**
         * BotState
         * @description The one lifecycle; the last two are final. ``needs_help`` is on the side of joining and admission.
         * @enum {string}
         */
        BotState: "requested" | "starting" | "joining" | "awaiting_admission" | "needs_help" | "active" | "stopping" | "completed" | "failed";
        /**
         * BotStep
         * @description One step of a bot's life.
         */
        BotStep: {
            /**
             * At
             * Format: date-time
             * @example 2025-01-31T12:00:00.000Z
             */
            at: string;
            /**
             * Attempt
             * @description The runner of this try to join, from 1.
             * @example 0
             */
            attempt: number;
            cause: components["schemas"]["BotCauseBody"];
            /**
             * Seq
             * @description Counts the bot's steps from 1, without holes.
             * @example 1
             */
            seq: number;
            /** @example requested */
            state: components["schemas"]["BotState"];
        };
        /**
         * BotSummary
         * @description A bot in a list.
         */
        BotSummary: {
            cause: components["schemas"]["BotCauseBody"];
            /**
             * Completion
             * @description Why it completed.
             * @example null
             */
            completion: string | null;
            /**
             * Created At
             * Format: date-time
             * @example 2025-01-31T12:00:00.000Z
             */
            created_at: string;
            /** @example null */
            degraded: components["schemas"]["BotDegradation"] | null;
            /**
             * Driver
             * @example browser
             * @enum {string}
             */
            driver: "media" | "browser";
            /**
             * Ended At
             * @example null
             */
            ended_at: string | null;
            /**
             * Failure Stage
             * @description Where it failed.
             * @example null
             */
            failure_stage: string | null;
            /**
             * Id
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            id: string;
            /**
             * Join At
             * @description When it is to join; null: at once.
             * @example null
             */
            join_at: string | null;
            /**
             * Session Id
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            session_id: string;
            /** @example active */
            state: components["schemas"]["BotState"];
            /**
             * State At
             * Format: date-time
             * @description When it came into its state.
             * @example 2025-01-31T12:00:00.000Z
             */
            state_at: string;
            /**
             * Stop Requested
             * @example false
             */
            stop_requested: boolean;
            /**
             * Url
             * @description Scheme, host and path only.
             * @example https://meet.example/room
             */
            url: string;
        };
        /**
         * Bots
         * @description Bounds and manners of bots that do not say otherwise.
         */
        Bots: {
            /**
             * Display Name
             * @description Name that a bot enters.
             * @example Dragoman
             */
            display_name?: string | null;
            /**
             * Max Alone S
             * @description Then the bot leaves a meeting that it is alone in.
             * @example 60
             */
            max_alone_s?: number | null;
            /**
             * Max Length S
             * @description Then the bot leaves in any case.
             * @example 14400
             */
            max_length_s?: number | null;
            /**
             * Max Silence S
             * @description Then the bot leaves a meeting in which nobody speaks.
             * @example 1800
             */
            max_silence_s?: number | null;
            /**
             * Max Waiting Room S
             * @description Then the bot gives up waiting to be admitted.
             * @example 600
             */
            max_waiting_room_s?: number | null;
            /**
             * No Audio Notice S
             * @description bot.degraded is told when no audio comes for this long.
             * @example 30
             */
            no_audio_notice_s?: number | null;
            /**
             * No Words Notice S
             * @description bot.degraded is told when audio, but no words come for this long.
             * @example 120
             */
            no_words_notice_s?: number | null;
            /**
             * Notice
             * @description Posted to the chat on joining; empty: nothing.
             * @example This meeting is transcribed.
             */
            notice?: string | null;
        };
        /**
         * Capabilities
         * @description What this installation can do now.
         */
        Capabilities: {
            /**
             * Detects Language
             * @description Whether a session may leave its language out.
             */
            detects_language: boolean;
            limits: components["schemas"]["CapabilityLimits"];
            /**
             * Pairs
             * @description What is translated; empty if nothing is, or if not known.
             */
            pairs: components["schemas"]["Pair"][];
            problems: components["schemas"]["CapabilityProblems"];
            /**
             * Profile
             * @description Worker profile of sessions that name none.
             * @example cpu
             */
            profile: string;
            /**
             * Recording
             * @description Whether sessions can keep their audio.
             */
            recording: boolean;
            /**
             * Spoken
             * @description Languages that are recognised (ISO 639); empty if not known.
             * @example [
             *       "de",
             *       "en",
             *       "es"
             *     ]
             */
            spoken: string[];
            /**
             * Version
             * @example 0.1.0
             */
            version: string;
        };
        /**
         * CapabilityLimits
         * @description Beyond these a request is refused.
         */
        CapabilityLimits: {
            /**
             * Max Frame Bytes
             * @description One WebSocket message of a speaker.
             * @example 262144
             */
            max_frame_bytes: number;
            /**
             * Max Targets
             * @description Languages that one session is translated into.
             * @example 20
             */
            max_targets: number;
            /**
             * Max Upload Bytes
             * @description A file for POST /v1/audio/transcriptions.
             * @example 524288000
             */
            max_upload_bytes: number;
            /**
             * Viewer Token Ttl S
             * @description Longest life of a viewer's token.
             * @example 86400
             */
            viewer_token_ttl_s: number;
        };
        /**
         * CapabilityProblems
         * @description Why something is not known; null where it is.
         */
        CapabilityProblems: {
            /**
             * Translation
             * @example the translation service cannot be reached (ConnectError)
             */
            translation?: string | null;
            /**
             * Whisper
             * @example null
             */
            whisper?: string | null;
        };
        /**
         * ChangeSession
         * @description What of a session can be changed at any time.
         * @example {
         *       "title": "Board meeting"
         *     }
         */
        ChangeSession: {
            /**
             * Title
             * @description What people call it, in one line without control characters.
             * @example Board meeting
             */
            title: string;
        };
        /**
         * ChangeState
         * @description What became of a requested change; the last three are final.
         * @enum {string}
         */
        ChangeState: "requested" | "applying" | "applied" | "rejected" | "conflict";
        /**
         * ChangeWebhook
         * @description What shall change; what is left out stays.
         */
        ChangeWebhook: {
            /** Description */
            description?: string | null;
            /**
             * Enabled
             * @description False: nothing is sent, and what waits fails. True: begin anew, also after it was disabled for its failures.
             * @example true
             */
            enabled?: boolean | null;
            /** Events */
            events?: string[] | null;
            /** Url */
            url?: string | null;
        };
        /**
         * ConfigChange
         * @description A requested change and what became of it.
         */
        ConfigChange: {
            /**
             * Change Id
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            change_id: string;
            /**
             * Code
             * @description Why it was not made.
             * @example null
             */
            code: string | null;
            /**
             * Decided At
             * @example 2025-01-31T12:00:00.000Z
             */
            decided_at: string | null;
            /**
             * Errors
             * @description The fields that were wrong.
             */
            errors: components["schemas"]["ProblemError"][];
            /**
             * Message
             * @example null
             */
            message: string | null;
            /**
             * Requested At
             * @example 2025-01-31T12:00:00.000Z
             */
            requested_at: string | null;
            /**
             * Requested By
             * @example admin
             */
            requested_by: string;
            /**
             * Services
             * @description For each service `in_sync`, or why not. One that is `away` gets the configuration when it returns.
             * @example {
             *       "whisper 127.0.0.1:8001": "in_sync"
             *     }
             */
            services: {
                [key: string]: string;
            };
            /**
             * @description `requested` and `applying` are not decided yet.
             * @example applied
             */
            state: components["schemas"]["ChangeState"];
            /**
             * Version
             * @description That it made.
             * @example 8
             */
            version: number | null;
        };
        /**
         * ConfigDiff
         * @description What differs between two versions.
         */
        ConfigDiff: {
            /** Changes */
            changes: components["schemas"]["FieldDifference"][];
            /**
             * From Version
             * @example 6
             */
            from_version: number;
            /**
             * To Version
             * @example 7
             */
            to_version: number;
        };
        /**
         * ConfigPreview
         * @description What a change would do; nothing was changed. Whether the services take the values, only they know.
         */
        ConfigPreview: {
            /** Changes */
            changes: components["schemas"]["FieldDifference"][];
            /**
             * Checksum
             * @description That the configuration would have.
             * @example 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
             */
            checksum: string;
            /**
             * Document
             * @description That would be in force.
             * @example {
             *       "system": {
             *         "whisper": {
             *           "beam_size": 3
             *         }
             *       }
             *     }
             */
            document: {
                [key: string]: unknown;
            };
            /**
             * Dry Run
             * @default true
             * @example true
             */
            dry_run?: boolean;
            /**
             * From Version
             * @example 7
             */
            from_version: number;
        };
        /**
         * ConfigValues
         * @description What one scope sets.
         */
        ConfigValues: {
            /** @default {} */
            bots?: components["schemas"]["Bots"];
            /** @default {} */
            degradation?: components["schemas"]["Degradation"];
            /** @default {} */
            monitoring?: components["schemas"]["Monitoring"];
            /** @default {} */
            partials?: components["schemas"]["Partials"];
            /** @default {} */
            recognition?: components["schemas"]["Recognition"];
            /** @default {} */
            session?: components["schemas"]["SessionDefaults"];
            /** @default {} */
            translation?: components["schemas"]["TranslationService"];
            /** @default {} */
            voice_activity?: components["schemas"]["VoiceActivity"];
            /** @default {} */
            whisper?: components["schemas"]["WhisperService"];
        };
        /**
         * ConfigView
         * @description What is set for the whole installation.
         */
        ConfigView: {
            /**
             * Changed At
             * @example 2025-01-31T12:00:00.000Z
             */
            changed_at: string | null;
            /**
             * Changed By
             * @description Name of the API key.
             * @example admin
             */
            changed_by: string;
            /**
             * Checksum
             * @description Of all scopes together.
             * @example 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
             */
            checksum: string;
            /**
             * Presets
             * @description Names of all presets.
             * @example [
             *       "lecture"
             *     ]
             */
            presets: string[];
            /** @description Only what is set; the rest is as each process was started. */
            values: components["schemas"]["ConfigValues"];
            /**
             * Version
             * @description 0: nothing was ever set.
             * @example 7
             */
            version: number;
        };
        /**
         * CreateBot
         * @description What a bot is to do.
         * @example {
         *       "driver": "browser",
         *       "recipe": "jitsi",
         *       "session": {
         *         "translation": {
         *           "targets": [
         *             "es"
         *           ]
         *         }
         *       },
         *       "url": "https://meet.example/room"
         *     }
         * @example {
         *       "driver": "media",
         *       "limits": {
         *         "length_s": 3600
         *       },
         *       "url": "https://radio.example/live.m3u8"
         *     }
         */
        CreateBot: {
            /**
             * Client Key
             * @description Names this request: sent again with the same key, it gives the same bot. The header `Idempotency-Key` does the same.
             * @example standup-2025-01-31
             */
            client_key?: string | null;
            /**
             * Display Name
             * @description Name that it enters; left out: the configuration's.
             * @default
             */
            display_name?: string;
            /**
             * Driver
             * @description `media` reads what FFmpeg reads, `browser` joins a meeting.
             * @enum {string}
             */
            driver: "media" | "browser";
            /**
             * Join At
             * @description When to join (RFC 3339), at most 30 days ahead; left out: now.
             */
            join_at?: string | null;
            /** @default {} */
            limits?: components["schemas"]["BotLimitsBody"];
            /**
             * Notice
             * @description Posted to the chat on joining; left out: the configuration's, empty: nothing.
             */
            notice?: string | null;
            /**
             * Recipe
             * @description A browser's way through the site. `google_meet`, `teams` and `zoom_web` are unverified.
             * @default generic
             * @example jitsi
             */
            recipe?: string;
            /** @description Options of the session that is made for the bot; not with `session_id`. */
            session?: components["schemas"]["CreateSession"] | null;
            /**
             * Session Id
             * @description A session of yours that nobody has spoken into; left out: one is made.
             */
            session_id?: string | null;
            /**
             * Url
             * @description The meeting's link or the stream. Answers and events never have more of it than scheme, host and path.
             * @example https://meet.example/room
             */
            url: string;
        };
        /**
         * CreateSession
         * @description What a session wants of the recogniser and the translators; all of it may be left out.
         * @example {
         *       "hotwords": "Dragoman",
         *       "language": "en",
         *       "title": "Board meeting",
         *       "translation": {
         *         "targets": [
         *           "es",
         *           "pt-BR"
         *         ]
         *       }
         *     }
         * @example {}
         */
        CreateSession: {
            /**
             * @description Own values of `voice_activity`, `recognition` and `partials`, over those of the preset.
             * @default {
             *       "bots": {},
             *       "degradation": {},
             *       "monitoring": {},
             *       "partials": {},
             *       "recognition": {},
             *       "session": {},
             *       "translation": {},
             *       "voice_activity": {},
             *       "whisper": {}
             *     }
             * @example {
             *       "voice_activity": {
             *         "min_silence_ms": 700
             *       }
             *     }
             */
            config?: components["schemas"]["ConfigValues"];
            /**
             * Hotwords
             * @description Names and terms that are likely.
             * @default
             */
            hotwords?: string;
            /**
             * Language
             * @description ISO 639 code; left out: detected once an utterance.
             */
            language?: string | null;
            /**
             * Partials
             * @description False: finals only.
             * @default true
             */
            partials?: boolean;
            /**
             * Preset
             * @description Preset of the runtime configuration (`/v1/config/presets`).
             * @example lecture
             */
            preset?: string | null;
            /**
             * Profile
             * @description Worker profile; left out: the server's default.
             */
            profile?: string | null;
            /**
             * Prompt
             * @description Text that the speech continues.
             * @default
             */
            prompt?: string;
            /**
             * Record
             * @description Keep the audio, to be heard and sought in beside the transcript.
             * @default false
             * @example true
             */
            record?: boolean;
            /**
             * Title
             * @description What people call it, in one line without control characters.
             * @default
             * @example Board meeting
             */
            title?: string;
            /** @description Left out: no translation. */
            translation?: components["schemas"]["Translation"] | null;
        };
        /**
         * CreateWebhook
         * @description A receiver to be told.
         */
        CreateWebhook: {
            /**
             * Description
             * @description For people.
             * @default
             * @example our chat
             */
            description?: string;
            /**
             * Events
             * @description Types of events that are wanted, of `*`, `anomaly.*`, `anomaly.detected`, `anomaly.resolved`, `bot.*`, `bot.degraded`, `bot.recovered`, `bot.state_changed`, `session.*`, `session.ended`, `webhook.*`, `webhook.disabled`, `webhook.test`.
             * @default [
             *       "*"
             *     ]
             * @example [
             *       "bot.*",
             *       "session.ended"
             *     ]
             */
            events?: string[];
            /**
             * Url
             * @description Where events are posted to: https, with a public address.
             * @example https://hooks.example.com/dragoman
             */
            url: string;
        };
        /**
         * Degradation
         * @description What an overloaded audio worker gives up, and when.
         */
        Degradation: {
            /**
             * Degrade After S
             * @description How long the lag stays above that before each step.
             * @example 6
             */
            degrade_after_s?: number | null;
            /**
             * Degrade Lag Ms
             * @description Lag above which a step is taken.
             * @example 1500
             */
            degrade_lag_ms?: number | null;
            /**
             * Recover After S
             * @description How long the lag stays below that before each step back.
             * @example 5
             */
            recover_after_s?: number | null;
            /**
             * Recover Lag Ms
             * @description Lag below which a step is taken back.
             * @example 500
             */
            recover_lag_ms?: number | null;
            /**
             * Steps
             * @description In this order; an empty list gives nothing up.
             * @example [
             *       "drop_partials"
             *     ]
             */
            steps?: ("drop_partials" | "delay_translation" | "smaller_model" | "refuse_sessions")[] | null;
        };
        /**
         * Delivery
         * @description An event on its way to a receiver.
         */
        Delivery: {
            /** Attempts */
            attempts: components["schemas"]["DeliveryAttempt"][];
            /**
             * Created At
             * @example 2025-01-31T12:00:00.000Z
             */
            created_at: string | null;
            /**
             * Event Id
             * @description `webhook-id` and the CloudEvent's `id`: the same in all attempts.
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            event_id: string;
            /**
             * Event Type
             * @example bot.state_changed
             */
            event_type: string;
            /**
             * Id
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            id: string;
            /**
             * Next Attempt At
             * @example null
             */
            next_attempt_at: string | null;
            /**
             * Reason
             * @description Of a failure: `attempts_exhausted`, `gone` or `endpoint_disabled`.
             * @example null
             */
            reason: string | null;
            /** @example delivered */
            state: components["schemas"]["State"];
        };
        /**
         * DeliveryAttempt
         * @description One attempt to deliver.
         */
        DeliveryAttempt: {
            /**
             * At
             * @example 2025-01-31T12:00:00.000Z
             */
            at: string | null;
            /**
             * Duration Ms
             * @example 87
             */
            duration_ms: number;
            /**
             * Error
             * @description `client_error`, `server_error`, `redirect`, `timeout`, `connection_refused`, `connection_broken`, `tls_error`, `address_forbidden`, `host_unresolved`, `protocol_error`, `courier_lost` (whoever sent it died) or null for a success.
             * @example null
             */
            error: string | null;
            /**
             * Status
             * @description Of HTTP; null: no answer came.
             * @example 200
             */
            status: number | null;
        };
        /**
         * DeliveryList
         * @description Deliveries, newest first.
         */
        DeliveryList: {
            /** Deliveries */
            deliveries: components["schemas"]["Delivery"][];
            /**
             * Next Cursor
             * @description For the next page; null: this was the last.
             * @example null
             */
            next_cursor: string | null;
        };
        /**
         * DeliveryWithEvent
         * @description A delivery with what is sent.
         */
        DeliveryWithEvent: {
            /** Attempts */
            attempts: components["schemas"]["DeliveryAttempt"][];
            /**
             * Created At
             * @example 2025-01-31T12:00:00.000Z
             */
            created_at: string | null;
            /**
             * Event
             * @description The CloudEvent.
             * @example {
             *       "id": "0f3c1d2e4b5a69788796a5b4c3d2e1f0",
             *       "specversion": "1.0",
             *       "type": "bot.state_changed"
             *     }
             */
            event: {
                [key: string]: unknown;
            };
            /**
             * Event Id
             * @description `webhook-id` and the CloudEvent's `id`: the same in all attempts.
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            event_id: string;
            /**
             * Event Type
             * @example bot.state_changed
             */
            event_type: string;
            /**
             * Id
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            id: string;
            /**
             * Next Attempt At
             * @example null
             */
            next_attempt_at: string | null;
            /**
             * Reason
             * @description Of a failure: `attempts_exhausted`, `gone` or `endpoint_disabled`.
             * @example null
             */
            reason: string | null;
            /** @example delivered */
            state: components["schemas"]["State"];
        };
        /**
         * EffectiveConfig
         * @description What a new session runs with, and where each value comes from.
         */
        EffectiveConfig: {
            /**
             * Preset
             * @example lecture
             */
            preset: string | null;
            /**
             * Profile
             * @example cpu
             */
            profile: string;
            /**
             * Provenance
             * @description The scope of each `section.field`.
             * @example {
             *       "voice_activity.min_silence_ms": "preset",
             *       "voice_activity.threshold": "defaults"
             *     }
             */
            provenance: {
                [key: string]: components["schemas"]["Scope"];
            };
            /**
             * Started By
             * @description The audio worker whose own settings are the defaults; null: none runs, and what no other scope sets is left out.
             * @example host-1-4711-0f3c1d
             */
            started_by: string | null;
            /**
             * Values
             * @description By section.
             * @example {
             *       "voice_activity": {
             *         "min_silence_ms": 700,
             *         "threshold": 0.5
             *       }
             *     }
             */
            values: {
                [key: string]: {
                    [key: string]: unknown;
                };
            };
            /**
             * Version
             * @example 7
             */
            version: number;
        };
        /**
         * FieldDifference
         * @description A field that two versions differ in; null where it is not set.
         */
        FieldDifference: {
            /**
             * After
             * @example 3
             */
            after: unknown;
            /**
             * Before
             * @example 5
             */
            before: unknown;
            /**
             * Path
             * @example system.whisper.beam_size
             */
            path: string;
        };
        /**
         * FleetHealth
         * @description The workers of one profile, as they told within the last seconds.
         */
        FleetHealth: {
            /**
             * Lag Ms
             * @description Lag of the slowest worker's sessions.
             * @example 140
             */
            lag_ms: number;
            /**
             * Level
             * @description Level of degradation; 0: full service.
             * @example 0
             */
            level: number;
            /**
             * Room
             * @description New sessions that they would take; 0: new ones are refused.
             * @example 70
             */
            room: number;
            /**
             * Sessions
             * @description Sessions that they hold.
             * @example 180
             */
            sessions: number;
            /**
             * Workers
             * @example 2
             */
            workers: number;
        };
        /**
         * Glossary
         * @description A named set of terms, as it is kept.
         */
        Glossary: {
            /**
             * Name
             * @example medical
             */
            name: string;
            /** Terms */
            terms: components["schemas"]["Term"][];
        };
        /**
         * GlossaryNames
         * @description The sets that there are.
         */
        GlossaryNames: {
            /**
             * Glossaries
             * @example [
             *       "legal",
             *       "medical"
             *     ]
             */
            glossaries: string[];
        };
        /**
         * GroupSeen
         * @description A consumer group of a stream.
         */
        GroupSeen: {
            /**
             * Consumers
             * @example 2
             */
            consumers: number;
            /**
             * Group
             * @example monitoring
             */
            group: string;
            /**
             * Lag
             * @description Not delivered yet; null: cannot be told.
             * @example 0
             */
            lag: number | null;
            /**
             * Oldest Idle Ms
             * @description How long the oldest delivery waits.
             * @example 0
             */
            oldest_idle_ms: number;
            /**
             * Pending
             * @description Delivered and not acknowledged.
             * @example 0
             */
            pending: number;
        };
        /**
         * History
         * @description The newest versions first; the last 100 are kept.
         */
        History: {
            /**
             * Next Before
             * @description Give it as `before` for the next page; null: there is none.
             * @example 3
             */
            next_before: number | null;
            /** Versions */
            versions: components["schemas"]["VersionSummary"][];
        };
        /**
         * KeyUsage
         * @description What an API key used on a day.
         */
        KeyUsage: {
            /**
             * Audio Ms
             * @description Audio of sessions that ended on that day.
             * @example 5400000
             */
            audio_ms: number;
            /**
             * Bots
             * @description Bots that were asked for.
             * @example 3
             */
            bots: number;
            /**
             * Day
             * @description UTC.
             * @example 2025-01-31
             */
            day: string;
            /**
             * Owner Key
             * @description Name of the API key.
             * @example app
             */
            owner_key: string;
            /**
             * Sessions
             * @description Sessions that ended on that day.
             * @example 12
             */
            sessions: number;
            /**
             * Translated Chars
             * @description Characters of translated finals.
             * @example 48210
             */
            translated_chars: number;
        };
        /**
         * LedgerGap
         * @description Audio that was not transcribed, and why.
         */
        LedgerGap: {
            /**
             * End Ms
             * @example 12400
             */
            end_ms: number;
            /**
             * Reason
             * @example decode_error
             */
            reason: string;
            /**
             * Start Ms
             * @example 12000
             */
            start_ms: number;
        };
        /**
         * MonitorHealth
         * @description The whole installation, in short, as the monitor saw it last.
         */
        MonitorHealth: {
            /**
             * Age Ms
             * @description How long ago that was.
             * @example 850
             */
            age_ms: number;
            /**
             * Anomalies
             * @description Anomalies that are open.
             * @example 0
             */
            anomalies: number;
            /**
             * Monitor
             * @description The monitoring process that looked.
             * @example host-4711-a1b2c3
             */
            monitor: string;
            /**
             * Status
             * @example ok
             * @enum {string}
             */
            status: "ok" | "degraded" | "down";
        };
        /**
         * Monitoring
         * @description Rules of the monitoring worker, by name, over its own of the same names.
         */
        Monitoring: {
            /** Rules */
            rules?: {
                [key: string]: components["schemas"]["AnomalyRule"];
            } | null;
        };
        /**
         * Pair
         * @description Languages that are translated from and into; `*` is any.
         */
        Pair: {
            /**
             * Source
             * @example en
             */
            source: string;
            /**
             * Target
             * @example es
             */
            target: string;
        };
        /**
         * Partials
         * @description Drafts: captions before their sentence is final.
         */
        Partials: {
            /**
             * Enabled
             * @description False: finals only, also for sessions that ask for partials.
             * @example true
             */
            enabled?: boolean | null;
            /**
             * Min Probability
             * @description Unstable words less probable than this are not shown.
             * @example 0.5
             */
            min_probability?: number | null;
            /**
             * Translate Every Ms
             * @description Least time between two translated drafts of a session.
             * @example 300
             */
            translate_every_ms?: number | null;
            /**
             * Translate Within Ms
             * @description Drafts are translated if the translator answers within this; 0: never.
             * @example 700
             */
            translate_within_ms?: number | null;
        };
        /**
         * PresetNames
         * @description The presets.
         */
        PresetNames: {
            /**
             * Presets
             * @example [
             *       "interview",
             *       "lecture"
             *     ]
             */
            presets: string[];
            /**
             * Version
             * @description Of the whole configuration.
             * @example 7
             */
            version: number;
        };
        /**
         * PresetView
         * @description A preset.
         */
        PresetView: {
            /**
             * Name
             * @example lecture
             */
            name: string;
            /** @description Only what is set. */
            values: components["schemas"]["ConfigValues"];
            /**
             * Version
             * @description Of the whole configuration.
             * @example 7
             */
            version: number;
        };
        /**
         * Problem
         * @description Problem details of RFC 9457, with a code, a remedy and the trace id.
         */
        Problem: {
            /**
             * Code
             * @example not_found
             */
            code: string;
            /**
             * Detail
             * @example There is no session 4f0c.
             */
            detail: string;
            /**
             * Errors
             * @description The wrong places of an invalid request.
             * @default null
             */
            errors?: components["schemas"]["ProblemError"][] | null;
            /**
             * Instance
             * @description Path of the request.
             * @example /v1/sessions/4f0c
             */
            instance: string;
            /**
             * Remedy
             * @description What the caller can do about it.
             */
            remedy: string;
            /**
             * Status
             * @example 404
             */
            status: number;
            /**
             * Title
             * @example No such thing.
             */
            title: string;
            /**
             * Trace Id
             * @description Finds the request in logs and traces.
             */
            trace_id: string;
            /**
             * Type
             * @description URN of the kind of problem.
             * @example urn:dragoman:error:not_found
             */
            type: string;
        };
        /**
         * ProblemError
         * @description One wrong place in a request.
         */
        ProblemError: {
            /**
             * Location
             * @example body.language
             */
            location: string;
            /**
             * Message
             * @example Input should be a valid string
             */
            message: string;
        };
        /**
         * ProcessSeen
         * @description A process that reports itself, or one that went without a word.
         */
        ProcessSeen: {
            /**
             * Age Ms
             * @description Since its last report came.
             * @example 700
             */
            age_ms: number;
            /**
             * Breakers
             * @example {
             *       "the whisper service": "closed"
             *     }
             */
            breakers: {
                [key: string]: string;
            };
            /**
             * Config Version
             * @example 7
             */
            config_version: number;
            /**
             * Kind
             * @description api, audio, config, bots or monitoring.
             * @example audio
             */
            kind: string;
            /**
             * Measures
             * @example {
             *       "sessions": 90
             *     }
             */
            measures: {
                [key: string]: number;
            };
            /**
             * Name
             * @example host-4711-a1b2c3
             */
            name: string;
            /**
             * Profile
             * @example cpu
             */
            profile: string;
            /**
             * Skew Ms
             * @description Its clock minus that of Redis.
             * @example 0
             */
            skew_ms: number;
            /**
             * State
             * @description `ok`, or why not.
             * @example ok
             */
            state: string;
            /**
             * Uptime S
             * @example 86400
             */
            uptime_s: number;
            /**
             * Version
             * @example 0.1.0
             */
            version: string;
        };
        /**
         * Recognition
         * @description The window that grows over an utterance, and how often it is decoded.
         */
        Recognition: {
            /**
             * Max Step Ms
             * @description Most new audio between two drafts under load.
             * @example 2000
             */
            max_step_ms?: number | null;
            /**
             * Max Utterance Ms
             * @description Speech without a pause is cut at its quietest point after this.
             * @example 12000
             */
            max_utterance_ms?: number | null;
            /**
             * Min Step Ms
             * @description Least new audio between two drafts of an utterance.
             * @example 320
             */
            min_step_ms?: number | null;
            /**
             * Tail Guard Ms
             * @description Words that end this close to a window's end are not shown yet.
             * @example 120
             */
            tail_guard_ms?: number | null;
        };
        /**
         * Recording
         * @description The recording of a session; a failed one has what was written until then.
         */
        Recording: {
            /**
             * Duration Ms
             * @description How much of the session can be heard by now.
             * @example 61250
             */
            duration_ms: number;
            /**
             * Reason
             * @description Why it failed: `disk_full`, `not_permitted`, `folder_gone`, `too_slow`, `io_error`, `not_kept_here`, `session_failed`.
             * @example null
             */
            reason: string | null;
            /**
             * State
             * @example recording
             * @enum {string}
             */
            state: "recording" | "complete" | "failed";
        };
        /**
         * RedisSeen
         * @description Redis itself.
         */
        RedisSeen: {
            /**
             * Answer Ms
             * @example 0.4
             */
            answer_ms: number;
            /**
             * Aof Last Write
             * @description Empty where there is no append-only file.
             * @example ok
             */
            aof_last_write: string;
            /**
             * Clients
             * @example 14
             */
            clients: number;
            /**
             * Max Memory Bytes
             * @description 0: no limit.
             * @example 0
             */
            max_memory_bytes: number;
            /**
             * Role
             * @example master
             */
            role: string;
            /**
             * State
             * @description `ok`, or why not.
             * @example ok
             */
            state: string;
            /**
             * Used Memory Bytes
             * @example 41943040
             */
            used_memory_bytes: number;
            /**
             * Version
             * @example 7.0.15
             */
            version: string;
        };
        /**
         * Rollback
         * @description Which version is wanted again.
         */
        Rollback: {
            /**
             * To Version
             * @description 0: nothing is set.
             * @example 6
             */
            to_version: number;
        };
        /**
         * Scope
         * @description Where a value comes from; later ones win.
         * @enum {string}
         */
        Scope: "defaults" | "system" | "preset" | "session";
        /**
         * Screenshot
         * @description A picture of what the bot saw when it failed.
         */
        Screenshot: {
            /**
             * At
             * Format: date-time
             * @example 2025-01-31T12:00:00.000Z
             */
            at: string;
            /**
             * Time Ms
             * @example 1738324800000
             */
            time_ms: number;
            /**
             * Url
             * @example /v1/bots/0f3c1d2e4b5a69788796a5b4c3d2e1f0/screenshots/1738324800000
             */
            url: string;
        };
        /**
         * ScreenshotList
         * @description The pictures of a bot, newest first.
         */
        ScreenshotList: {
            /** Screenshots */
            screenshots: components["schemas"]["Screenshot"][];
        };
        /**
         * ServiceSeen
         * @description A whisper or translation service.
         */
        ServiceSeen: {
            /**
             * Answer Ms
             * @example 1.8
             */
            answer_ms: number;
            /**
             * Config Checksum
             * @description Of what it was asked to run with.
             * @example 44136fa3
             */
            config_checksum: string;
            /**
             * Name
             * @example whisper
             */
            name: string;
            /**
             * State
             * @description `ok`, or why not.
             * @example ok
             */
            state: string;
            /**
             * Url
             * @example http://127.0.0.1:8001
             */
            url: string;
            /**
             * Version
             * @example 0.1.0
             */
            version: string;
        };
        /**
         * Session
         * @description A session and where its sockets are.
         */
        Session: {
            /**
             * Audio Url
             * @description The speaker's WebSocket (AsyncAPI: /asyncapi.json).
             * @example ws://127.0.0.1:8080/v1/sessions/0f3c1d2e4b5a69788796a5b4c3d2e1f0/audio
             */
            audio_url: string;
            /**
             * Created At
             * Format: date-time
             * @example 2025-01-31T12:00:00.000Z
             */
            created_at: string;
            /**
             * End Reason
             * @description Who or what ended it: `client`, `request`, `abandoned`.
             * @example null
             */
            end_reason: string | null;
            /**
             * Ended At
             * @example null
             */
            ended_at: string | null;
            /**
             * Events Url
             * @description The viewers' WebSocket.
             * @example ws://127.0.0.1:8080/v1/sessions/0f3c1d2e4b5a69788796a5b4c3d2e1f0/events
             */
            events_url: string;
            /**
             * Id
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            id: string;
            /**
             * Language
             * @example en
             */
            language: string | null;
            /**
             * Partials
             * @example true
             */
            partials: boolean;
            /**
             * Profile
             * @example cpu
             */
            profile: string;
            /**
             * @description Null: it is not recorded.
             * @example null
             */
            recording: components["schemas"]["Recording"] | null;
            /**
             * Status
             * @description `ending` takes no more audio while the rest is transcribed.
             * @example created
             * @enum {string}
             */
            status: "created" | "live" | "ending" | "ended";
            /**
             * Title
             * @description Empty where it was given none.
             * @example Board meeting
             */
            title: string;
            translation: components["schemas"]["SessionTranslation"];
        };
        /**
         * SessionConfig
         * @description The preset that a session names, and its own values over it.
         */
        SessionConfig: {
            /**
             * Preset
             * @description Preset of the configuration.
             * @example lecture
             */
            preset?: string | null;
            /**
             * @description Own values of the sections voice_activity, recognition and partials.
             * @default {
             *       "bots": {},
             *       "degradation": {},
             *       "monitoring": {},
             *       "partials": {},
             *       "recognition": {},
             *       "session": {},
             *       "translation": {},
             *       "voice_activity": {},
             *       "whisper": {}
             *     }
             * @example {
             *       "voice_activity": {
             *         "min_silence_ms": 700
             *       }
             *     }
             */
            values?: components["schemas"]["ConfigValues"];
        };
        /**
         * SessionConfigView
         * @description What a session runs with, and where each value comes from.
         */
        SessionConfigView: {
            /** @description The session's own values. */
            config: components["schemas"]["ConfigValues"];
            /**
             * Effective
             * @description What is in force, by section.
             * @example {
             *       "voice_activity": {
             *         "min_silence_ms": 700,
             *         "threshold": 0.5
             *       }
             *     }
             */
            effective: {
                [key: string]: {
                    [key: string]: unknown;
                };
            };
            /**
             * Preset
             * @description The preset that the session names.
             * @example lecture
             */
            preset: string | null;
            /**
             * Provenance
             * @description The scope that each value comes from. Defaults are those of a worker that runs such sessions; as long as none reports, they are left out.
             * @example {
             *       "voice_activity.min_silence_ms": "session",
             *       "voice_activity.threshold": "defaults"
             *     }
             */
            provenance: {
                [key: string]: "defaults" | "system" | "preset" | "session";
            };
            /**
             * Version
             * @description Of the runtime configuration.
             * @example 12
             */
            version: number;
        };
        /**
         * SessionConnection
         * @description A socket that is connected to a session.
         */
        SessionConnection: {
            /**
             * Name
             * @description Name of its API key, or `token`.
             * @example token
             */
            name: string;
            /**
             * Role
             * @example viewer
             * @enum {string}
             */
            role: "speaker" | "viewer";
            /**
             * Since
             * Format: date-time
             * @example 2025-01-31T12:00:00.000Z
             */
            since: string;
        };
        /**
         * SessionConnections
         * @description Who is connected to a session now, in all API processes.
         */
        SessionConnections: {
            /**
             * Connections
             * @description Of each role at most 1000, speakers first.
             */
            connections: components["schemas"]["SessionConnection"][];
            /**
             * Speakers
             * @example 1
             */
            speakers: number;
            /**
             * Viewers
             * @example 12
             */
            viewers: number;
        };
        /**
         * SessionDefaults
         * @description What a new session gets that does not say otherwise.
         */
        SessionDefaults: {
            /**
             * Drafts
             * @description False: only finals are translated.
             * @example true
             */
            drafts?: boolean | null;
            /**
             * Formality
             * @example default
             */
            formality?: ("default" | "formal" | "informal") | null;
            /**
             * Glossaries
             * @description Named sets of terms.
             * @example [
             *       "medical"
             *     ]
             */
            glossaries?: string[] | null;
            /**
             * Hotwords
             * @description Names and terms that are likely.
             * @example Dragoman
             */
            hotwords?: string | null;
            /**
             * Language
             * @description Spoken language; left out: detected.
             * @example en
             */
            language?: string | null;
            /**
             * On Demand
             * @description Translate only into what a viewer subscribes to.
             * @example false
             */
            on_demand?: boolean | null;
            /**
             * Preset
             * @description Preset of this configuration.
             * @example lecture
             */
            preset?: string | null;
            /**
             * Profile
             * @description Worker profile, and with it the model.
             * @example cpu
             */
            profile?: string | null;
            /**
             * Targets
             * @description Languages that sessions are translated into.
             * @example [
             *       "es"
             *     ]
             */
            targets?: string[] | null;
        };
        /**
         * SessionLedger
         * @description Where every received millisecond went; the four sums add up to `received_ms`.
         */
        SessionLedger: {
            /**
             * Gap Ms
             * @example 400
             */
            gap_ms: number;
            /**
             * Gaps
             * @default []
             */
            gaps?: components["schemas"]["LedgerGap"][];
            /**
             * Pending Ms
             * @example 2000
             */
            pending_ms: number;
            /**
             * Received Ms
             * @example 60000
             */
            received_ms: number;
            /**
             * Silence Ms
             * @example 16400
             */
            silence_ms: number;
            /**
             * Transcribed Ms
             * @example 41200
             */
            transcribed_ms: number;
        };
        /**
         * SessionList
         * @description A page of sessions, newest first.
         */
        SessionList: {
            /**
             * Next Cursor
             * @description `cursor` of the next page; null on the last.
             * @example 1738324800000.0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            next_cursor: string | null;
            /** Sessions */
            sessions: components["schemas"]["Session"][];
        };
        /**
         * SessionSeen
         * @description A session that has not ended.
         */
        SessionSeen: {
            /**
             * Age S
             * @example 312.4
             */
            age_s: number;
            /**
             * Backlog S
             * @description Audio that is not decided yet; an utterance that is not over belongs to it.
             * @example 2.1
             */
            backlog_s: number;
            /**
             * Generation
             * @description Workers that had it so far.
             * @example 1
             */
            generation: number;
            /**
             * Id
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            id: string;
            /**
             * Owner Key
             * @description Name of its API key.
             * @example app
             */
            owner_key: string;
            /**
             * Profile
             * @example cpu
             */
            profile: string;
            /**
             * Real Time Factor
             * @description Worked off by what could be in real time; 1 keeps up, null: not known yet.
             * @example 1
             */
            real_time_factor: number | null;
            /**
             * Received S
             * @description Audio that was accepted.
             * @example 310.2
             */
            received_s: number;
            /**
             * Status
             * @example live
             */
            status: string;
            /**
             * Worker
             * @description Who holds its lease; empty: nobody.
             * @example host-4711-a1b2c3
             */
            worker: string;
        };
        /**
         * SessionTranslation
         * @description How a session is translated, without its terms: `GET /v1/sessions/{id}/translation` has them.
         */
        SessionTranslation: {
            /**
             * Drafts
             * @example true
             */
            drafts: boolean;
            /**
             * Formality
             * @example default
             * @enum {string}
             */
            formality: "default" | "formal" | "informal";
            /**
             * Glossaries
             * @example [
             *       "medical"
             *     ]
             */
            glossaries: string[];
            /**
             * On Demand
             * @example true
             */
            on_demand: boolean;
            /**
             * Targets
             * @example [
             *       "es",
             *       "pt-BR"
             *     ]
             */
            targets: string[];
            /**
             * Terms
             * @description How many terms there are, those of the sets included.
             * @example 12
             */
            terms: number;
        };
        /**
         * State
         * @description Of a delivery.
         * @enum {string}
         */
        State: "pending" | "sending" | "delivered" | "failed";
        /**
         * StreamSeen
         * @description A control stream, or `sessions:<profile>`: what workers lease sessions from.
         */
        StreamSeen: {
            /**
             * Dead Letters
             * @example 0
             */
            dead_letters: number;
            /** Groups */
            groups: components["schemas"]["GroupSeen"][];
            /**
             * Length
             * @example 120
             */
            length: number;
            /**
             * Name
             * @example stream:audio-results
             */
            name: string;
        };
        /**
         * SystemHealth
         * @description The parts of the installation as this process sees them.
         */
        SystemHealth: {
            /**
             * Fleets
             * @description The audio workers by profile.
             * @example {
             *       "cpu": {
             *         "lag_ms": 140,
             *         "level": 0,
             *         "room": 70,
             *         "sessions": 180,
             *         "workers": 2
             *       }
             *     }
             */
            fleets: {
                [key: string]: components["schemas"]["FleetHealth"];
            };
            /**
             * @description What the monitor saw last; null if none has looked within the last seconds.
             * @example {
             *       "age_ms": 850,
             *       "anomalies": 0,
             *       "monitor": "host-4711-a1b2c3",
             *       "status": "ok"
             *     }
             */
            monitor?: components["schemas"]["MonitorHealth"] | null;
            /**
             * Parts
             * @description For each part `ok`, or why it is not.
             * @example {
             *       "redis": "ok",
             *       "whisper": "ok"
             *     }
             */
            parts: {
                [key: string]: string;
            };
            /**
             * Speakers
             * @description Audio sockets of this process.
             * @example 4
             */
            speakers: number;
            /**
             * Status
             * @example ok
             * @enum {string}
             */
            status: "ok" | "degraded";
            /**
             * Viewers
             * @description Events sockets of this process.
             * @example 12
             */
            viewers: number;
        };
        /**
         * SystemOverview
         * @description The whole installation in one look of the monitor.
         */
        SystemOverview: {
            /**
             * Age Ms
             * @description How long ago that was.
             * @example 850
             */
            age_ms: number;
            /** Anomalies */
            anomalies: components["schemas"]["AnomalySeen"][];
            /** Bots */
            bots: components["schemas"]["BotSeen"][];
            /**
             * Bots By State
             * @example {
             *       "active": 2,
             *       "completed": 17
             *     }
             */
            bots_by_state: {
                [key: string]: number;
            };
            /**
             * Config Version
             * @description Of the runtime configuration in force.
             * @example 7
             */
            config_version: number;
            /**
             * Fleets
             * @description The audio workers by profile.
             * @example {
             *       "cpu": {
             *         "lag_ms": 140,
             *         "level": 0,
             *         "room": 70,
             *         "sessions": 180,
             *         "workers": 2
             *       }
             *     }
             */
            fleets: {
                [key: string]: {
                    [key: string]: number;
                };
            };
            /**
             * Measures
             * @description What rules are about; `<measure>|<subject>` where there are several.
             * @example {
             *       "redis_away": 0,
             *       "stream_lag|stream:audio-results/monitoring": 0
             *     }
             */
            measures: {
                [key: string]: number;
            };
            /**
             * Monitor
             * @description The monitoring process that looked.
             * @example host-4711-a1b2c3
             */
            monitor: string;
            /** Processes */
            processes: components["schemas"]["ProcessSeen"][];
            redis: components["schemas"]["RedisSeen"];
            /** Services */
            services: components["schemas"]["ServiceSeen"][];
            /**
             * Sessions
             * @description Those that are behind first, then the newest.
             */
            sessions: components["schemas"]["SessionSeen"][];
            /**
             * Sessions Total
             * @example 180
             */
            sessions_total: number;
            /**
             * Status
             * @example ok
             * @enum {string}
             */
            status: "ok" | "degraded" | "down";
            /** Streams */
            streams: components["schemas"]["StreamSeen"][];
            /**
             * Time Ms
             * @description Of the look, unix ms.
             * @example 1738324800000
             */
            time_ms: number;
            /**
             * Unseen
             * @description Parts that could not be looked at this time, and why.
             * @example {}
             */
            unseen: {
                [key: string]: string;
            };
        };
        /**
         * SystemUsage
         * @description Usage by day and API key, the oldest day first. A live session counts at its end.
         */
        SystemUsage: {
            /** Usage */
            usage: components["schemas"]["KeyUsage"][];
        };
        /**
         * Term
         * @description How a term is to be translated.
         * @example {
         *       "hotword": true,
         *       "source": "board",
         *       "translations": {
         *         "es": "junta",
         *         "pt-BR": "conselho"
         *       }
         *     }
         * @example {
         *       "keep": true,
         *       "source": "Dragoman"
         *     }
         */
        Term: {
            /**
             * Hotword
             * @description Tell the recogniser to expect it.
             * @default false
             * @example true
             */
            hotword?: boolean;
            /**
             * Keep
             * @description Leave it as it is in the languages that `translations` does not name.
             * @default false
             * @example false
             */
            keep?: boolean;
            /**
             * Source
             * @description The term as it is spoken, at most 100 characters.
             * @example board
             */
            source: string;
            /**
             * Translations
             * @description Its translation by BCP 47 code, each at most 100 characters.
             * @default {}
             * @example {
             *       "es": "junta"
             *     }
             */
            translations?: {
                [key: string]: string;
            };
        };
        /**
         * TermSet
         * @description A named set of terms, as it is sent.
         * @example {
         *       "terms": [
         *         {
         *           "hotword": true,
         *           "source": "board",
         *           "translations": {
         *             "es": "junta",
         *             "pt-BR": "conselho"
         *           }
         *         }
         *       ]
         *     }
         */
        TermSet: {
            /**
             * Terms
             * @description At most 500.
             */
            terms: components["schemas"]["Term"][];
        };
        /**
         * Transcript
         * @description All final segments so far, as the `transcript.final` events tell them, and their translations.
         */
        Transcript: {
            /**
             * Languages
             * @description Those asked for, as the session has them; only if some were.
             * @example [
             *       "es"
             *     ]
             */
            languages?: string[] | null;
            /** Segments */
            segments: components["schemas"]["TranscriptSegment"][];
            /**
             * Session Id
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            session_id: string;
            /**
             * Status
             * @example live
             */
            status: string;
            /**
             * Text
             * @example Hello. Welcome to Dragoman.
             */
            text: string;
        };
        /**
         * TranscriptSegment
         * @description One final segment.
         */
        TranscriptSegment: {
            /**
             * Confidence
             * @example 0.95
             */
            confidence: number;
            /**
             * End Ms
             * @example 900
             */
            end_ms: number;
            /**
             * Language
             * @example en
             */
            language: string;
            /**
             * Segment Id
             * @example s1
             */
            segment_id: string;
            /**
             * Speaker
             * @example null
             */
            speaker?: string | null;
            /**
             * Start Ms
             * @example 480
             */
            start_ms: number;
            /**
             * Text
             * @example Hello.
             */
            text: string;
            /**
             * Texts
             * @description The languages asked for, null where there is no translation; only if some were.
             * @example {
             *       "es": "Hola."
             *     }
             */
            texts?: {
                [key: string]: string | null;
            } | null;
            /**
             * Words
             * @default []
             */
            words?: components["schemas"]["TranscriptWord"][];
        };
        /**
         * TranscriptWord
         * @description A word with its times and its probability.
         */
        TranscriptWord: {
            /**
             * End Ms
             * @example 900
             */
            end_ms: number;
            /**
             * Probability
             * @example 0.97
             */
            probability: number;
            /**
             * Start Ms
             * @example 480
             */
            start_ms: number;
            /**
             * Text
             * @example Hello.
             */
            text: string;
        };
        /**
         * Translation
         * @description Into which languages a session is translated, and how.
         * @example {
         *       "glossary": [
         *         {
         *           "hotword": true,
         *           "source": "board",
         *           "translations": {
         *             "es": "junta",
         *             "pt-BR": "conselho"
         *           }
         *         }
         *       ],
         *       "on_demand": true,
         *       "targets": [
         *         "es",
         *         "pt-BR"
         *       ]
         *     }
         * @example {
         *       "targets": []
         *     }
         */
        Translation: {
            /**
             * Drafts
             * @description False: finals only.
             * @default true
             * @example true
             */
            drafts?: boolean;
            /**
             * Formality
             * @description Where the engine knows it.
             * @default default
             * @example default
             * @enum {string}
             */
            formality?: "default" | "formal" | "informal";
            /**
             * Glossaries
             * @description Names of at most 20 sets (`/v1/glossaries`). Their terms are copied now; a set that changes later changes no session.
             * @default []
             * @example [
             *       "medical"
             *     ]
             */
            glossaries?: string[];
            /**
             * Glossary
             * @description Terms, at most 500 with those of the sets. In an answer the terms of the sets come first.
             * @default []
             */
            glossary?: components["schemas"]["Term"][];
            /**
             * On Demand
             * @description Translate only into those targets that a viewer subscribes to at the time.
             * @default false
             * @example true
             */
            on_demand?: boolean;
            /**
             * Targets
             * @description BCP 47 codes, at most 20; none: no translation. Codes of the same language count once.
             * @default []
             * @example [
             *       "es",
             *       "pt-BR"
             *     ]
             */
            targets?: string[];
        };
        /**
         * TranslationService
         * @description Pushed to every translation service; what its own ``PUT /config`` takes.
         */
        TranslationService: {
            /**
             * Batch Max
             * @description Texts of one language pair in one engine call.
             * @example 32
             */
            batch_max?: number | null;
            /**
             * Batch Wait Ms
             * @description How long a busy engine waits for a fuller batch.
             * @example 0
             */
            batch_wait_ms?: number | null;
            /**
             * Beam Size
             * @description Beams for texts that are not fast.
             * @example 1
             */
            beam_size?: number | null;
            /**
             * Engines
             * @description In the order in which they are asked; empty: the order of the service's settings.
             * @example [
             *       "ctranslate2",
             *       "apertium"
             *     ]
             */
            engines?: string[] | null;
            /**
             * Fast Beam Size
             * @description Beams for fast texts (drafts).
             * @example 1
             */
            fast_beam_size?: number | null;
            /**
             * Pivot
             * @description Language that a pair goes through which no engine has directly; empty: none.
             * @example en
             */
            pivot?: string | null;
        };
        /**
         * VersionSummary
         * @description A version that was in force.
         */
        VersionSummary: {
            /**
             * Change Id
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            change_id: string;
            /**
             * Changed At
             * @example 2025-01-31T12:00:00.000Z
             */
            changed_at: string | null;
            /**
             * Changed By
             * @example admin
             */
            changed_by: string;
            /**
             * Checksum
             * @example 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
             */
            checksum: string;
            /**
             * Version
             * @example 7
             */
            version: number;
        };
        /**
         * VersionView
         * @description A version with all that it set.
         */
        VersionView: {
            /**
             * Change Id
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            change_id: string;
            /**
             * Changed At
             * @example 2025-01-31T12:00:00.000Z
             */
            changed_at: string | null;
            /**
             * Changed By
             * @example admin
             */
            changed_by: string;
            /**
             * Checksum
             * @example 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
             */
            checksum: string;
            /**
             * Document
             * @example {
             *       "presets": {},
             *       "system": {
             *         "whisper": {
             *           "beam_size": 3
             *         }
             *       }
             *     }
             */
            document: {
                [key: string]: unknown;
            };
            /**
             * Version
             * @example 7
             */
            version: number;
        };
        /**
         * ViewedSession
         * @description What a viewer is told of a session: what it is and in which languages it can be read.
         */
        ViewedSession: {
            /**
             * Created At
             * Format: date-time
             * @example 2025-01-31T12:00:00.000Z
             */
            created_at: string;
            /**
             * Ended At
             * @example null
             */
            ended_at: string | null;
            /**
             * Events Url
             * @description The viewers' WebSocket.
             * @example ws://127.0.0.1:8080/v1/sessions/0f3c1d2e4b5a69788796a5b4c3d2e1f0/events
             */
            events_url: string;
            /**
             * Id
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            id: string;
            /**
             * Language
             * @description Null: detected as it is spoken.
             * @example en
             */
            language: string | null;
            /**
             * Status
             * @example live
             * @enum {string}
             */
            status: "created" | "live" | "ending" | "ended";
            /**
             * Title
             * @example Board meeting
             */
            title: string;
            translation: components["schemas"]["ViewedTranslation"];
        };
        /**
         * ViewedTranslation
         * @description What a viewer is told of a session's translation.
         */
        ViewedTranslation: {
            /**
             * Targets
             * @example [
             *       "es",
             *       "pt-BR"
             *     ]
             */
            targets: string[];
        };
        /**
         * ViewerTokenIssued
         * @description A token for one session's events, transcript and ledger.
         */
        ViewerTokenIssued: {
            /**
             * Expires At
             * Format: date-time
             * @example 2025-01-31T12:00:00.000Z
             */
            expires_at: string;
            /**
             * Token
             * @example WyIwZjNjMWQyZSIsMTczODQxMTIwMF0.c2lnbmF0dXJl
             */
            token: string;
        };
        /**
         * ViewerTokenWanted
         * @description How long a viewer's token is to be valid.
         * @example {
         *       "ttl_s": 3600
         *     }
         * @example {}
         */
        ViewerTokenWanted: {
            /**
             * Ttl S
             * @description Seconds, at most `DRAGOMAN_API_VIEWER_TOKEN_TTL_S`; left out: that.
             * @example 3600
             */
            ttl_s?: number | null;
        };
        /**
         * VoiceActivity
         * @description When speech begins and ends.
         */
        VoiceActivity: {
            /**
             * Min Silence Ms
             * @description Silence that ends an utterance.
             * @example 416
             */
            min_silence_ms?: number | null;
            /**
             * Threshold
             * @description Speech probability from which speech begins.
             * @example 0.5
             */
            threshold?: number | null;
        };
        /**
         * Webhook
         * @description A receiver, as it is told now.
         */
        Webhook: {
            /**
             * Created At
             * @example 2025-01-31T12:00:00.000Z
             */
            created_at: string | null;
            /**
             * Description
             * @example our chat
             */
            description: string;
            /**
             * Disabled Reason
             * @description `by_request`, `gone` (it answered 410) or `failing` (for days, without a success).
             * @example null
             */
            disabled_reason: string | null;
            /**
             * Enabled
             * @example true
             */
            enabled: boolean;
            /**
             * Events
             * @example [
             *       "bot.*",
             *       "session.ended"
             *     ]
             */
            events: string[];
            /**
             * Failing Since
             * @description First failure since the last success.
             * @example null
             */
            failing_since: string | null;
            /**
             * Id
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            id: string;
            /**
             * Last Failure At
             * @example null
             */
            last_failure_at: string | null;
            /**
             * Last Success At
             * @example 2025-01-31T12:00:00.000Z
             */
            last_success_at: string | null;
            /**
             * Previous Secret Until
             * @description Until then the secret before the last rotation signs too.
             * @example null
             */
            previous_secret_until: string | null;
            /**
             * Url
             * @example https://hooks.example.com/dragoman
             */
            url: string;
        };
        /**
         * WebhookList
         * @description The receivers of an API key, oldest first.
         */
        WebhookList: {
            /** Webhooks */
            webhooks: components["schemas"]["Webhook"][];
        };
        /**
         * WebhookWithSecret
         * @description A receiver with its secret, which is shown this once.
         */
        WebhookWithSecret: {
            /**
             * Created At
             * @example 2025-01-31T12:00:00.000Z
             */
            created_at: string | null;
            /**
             * Description
             * @example our chat
             */
            description: string;
            /**
             * Disabled Reason
             * @description `by_request`, `gone` (it answered 410) or `failing` (for days, without a success).
             * @example null
             */
            disabled_reason: string | null;
            /**
             * Enabled
             * @example true
             */
            enabled: boolean;
            /**
             * Events
             * @example [
             *       "bot.*",
             *       "session.ended"
             *     ]
             */
            events: string[];
            /**
             * Failing Since
             * @description First failure since the last success.
             * @example null
             */
            failing_since: string | null;
            /**
             * Id
             * @example 0f3c1d2e4b5a69788796a5b4c3d2e1f0
             */
            id: string;
            /**
             * Last Failure At
             * @example null
             */
            last_failure_at: string | null;
            /**
             * Last Success At
             * @example 2025-01-31T12:00:00.000Z
             */
            last_success_at: string | null;
            /**
             * Previous Secret Until
             * @description Until then the secret before the last rotation signs too.
             * @example null
             */
            previous_secret_until: string | null;
            /**
             * Secret
             * @description Verify signatures with it (Standard Webhooks).
             * @example whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD
             */
            secret: string;
            /**
             * Url
             * @example https://hooks.example.com/dragoman
             */
            url: string;
        };
        /**
         * WhisperService
         * @description Pushed to every whisper service; what its own ``PUT /config`` takes.
         */
        WhisperService: {
            /**
             * Batch Max
             * @description Windows of different sessions in one engine call.
             * @example 16
             */
            batch_max?: number | null;
            /**
             * Batch Wait Ms
             * @description How long a busy engine waits for a fuller batch.
             * @example 5
             */
            batch_wait_ms?: number | null;
            /**
             * Beam Size
             * @description Beams for windows that are not fast.
             * @example 5
             */
            beam_size?: number | null;
            /**
             * Compression Ratio Threshold
             * @description zlib ratio of a text above which it counts as a repetition loop.
             * @example 2.4
             */
            compression_ratio_threshold?: number | null;
            /**
             * Fast Beam Size
             * @description Beams for fast windows (drafts).
             * @example 1
             */
            fast_beam_size?: number | null;
            /**
             * Log Prob Threshold
             * @description Average log probability below which a hypothesis counts as unsure.
             * @example -1
             */
            log_prob_threshold?: number | null;
            /**
             * Max Repeats
             * @description How often in a row a phrase may stand before the rest is cut.
             * @example 3
             */
            max_repeats?: number | null;
            /**
             * No Speech Threshold
             * @description Probability of silence above which an unsure hypothesis is dropped.
             * @example 0.6
             */
            no_speech_threshold?: number | null;
            /**
             * Temperature Fallbacks
             * @description How often an unsure or looping window is sampled again.
             * @example 1
             */
            temperature_fallbacks?: number | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_asyncapi_asyncapi_json_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_health_health_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_metrics_metrics_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_ready_ready_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_transcription_v1_audio_transcriptions_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /**
                     * Format: binary
                     * @description The recording.
                     */
                    file: string;
                    /** @example en */
                    language?: string;
                    /** @example whisper-1 */
                    model: string;
                    prompt?: string;
                    /**
                     * @default json
                     * @enum {string}
                     */
                    response_format?: "json" | "text" | "srt" | "vtt" | "verbose_json";
                    /** @default 0 */
                    temperature?: number;
                    "timestamp_granularities[]"?: ("word" | "segment")[];
                };
            };
        };
        responses: {
            /** @description As OpenAI's API answers for `response_format`. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "text": "Hello. Welcome to Dragoman."
                     *     }
                     */
                    "application/json": unknown;
                    /** @example Hello. Welcome to Dragoman. */
                    "text/plain": unknown;
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is over the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A limit is reached; `Retry-After` tells when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The whisper service answered something that is no answer. */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_bots_v1_bots_get: {
        parameters: {
            query?: {
                /** @description Only those in these states. */
                state?: components["schemas"]["BotState"][] | null;
                /** @description Bots of one page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BotList"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_bot_v1_bots_post: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateBot"];
            };
        };
        responses: {
            /** @description It was asked for before with this client key. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Bot"];
                };
            };
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Bot"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state forbids the request. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is over the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A limit is reached; `Retry-After` tells when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_bot_v1_bots__bot_id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                bot_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Bot"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stop_bot_v1_bots__bot_id__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                bot_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Bot"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_report_v1_bots__bot_id__reports_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                bot_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state forbids the request. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_screenshots_v1_bots__bot_id__screenshots_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                bot_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScreenshotList"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_screenshot_v1_bots__bot_id__screenshots__time_ms__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                bot_id: string;
                time_ms: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/png": unknown;
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_bot_transcript_v1_bots__bot_id__transcript_get: {
        parameters: {
            query?: {
                format?: "json" | "txt" | "srt" | "vtt";
                /** @description As for a session's transcript. */
                language?: string | null;
            };
            header?: never;
            path: {
                bot_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transcript"];
                    "application/x-subrip": unknown;
                    "text/plain": unknown;
                    "text/vtt": unknown;
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_capabilities_v1_capabilities_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Capabilities"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_config_v1_config_get: {
        parameters: {
            query?: never;
            header?: {
                /** @description ETags that are known already. */
                "if-none-match"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigView"];
                };
            };
            /** @description It is what `If-None-Match` names. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_config_v1_config_put: {
        parameters: {
            query?: {
                /** @description Check the change and tell what it would do; change nothing. */
                dry_run?: boolean;
            };
            header?: {
                /** @description ETag that the change is made for; left out: any. */
                "if-match"?: string | null;
                /** @description `*`: make the preset only if there is none. */
                "if-none-match"?: string | null;
                /** @description `wait=<seconds>`, at most 10: wait for the outcome. */
                prefer?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConfigValues"];
            };
        };
        responses: {
            /** @description The change is made, or, with `dry_run`, what it would do. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigChange"] | components["schemas"]["ConfigPreview"];
                };
            };
            /** @description The change is asked for; `Location` tells where its outcome will be. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigChange"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state forbids the request. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `If-Match` or `If-None-Match` does not hold: somebody else changed it. */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is over the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    patch_config_v1_config_patch: {
        parameters: {
            query?: {
                /** @description Check the change and tell what it would do; change nothing. */
                dry_run?: boolean;
            };
            header?: {
                /** @description ETag that the change is made for; left out: any. */
                "if-match"?: string | null;
                /** @description `*`: make the preset only if there is none. */
                "if-none-match"?: string | null;
                /** @description `wait=<seconds>`, at most 10: wait for the outcome. */
                prefer?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/merge-patch+json": {
                    [key: string]: unknown;
                };
            };
        };
        responses: {
            /** @description The change is made, or, with `dry_run`, what it would do. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigChange"] | components["schemas"]["ConfigPreview"];
                };
            };
            /** @description The change is asked for; `Location` tells where its outcome will be. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigChange"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state forbids the request. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `If-Match` or `If-None-Match` does not hold: somebody else changed it. */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is over the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_change_v1_config_changes__change_id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                change_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigChange"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_diff_v1_config_diff_get: {
        parameters: {
            query: {
                /** @description A version. */
                from: number;
                /** @description Another; left out: the one in force. */
                to?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigDiff"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_effective_config_v1_config_effective_get: {
        parameters: {
            query?: {
                /** @description Left out: the one that sessions get; empty: none. */
                preset?: string | null;
                /** @description Left out: the one that sessions get. */
                profile?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EffectiveConfig"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_versions_v1_config_history_get: {
        parameters: {
            query?: {
                /** @description Versions of one page. */
                limit?: number;
                /** @description `next_before` of the page before. */
                before?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["History"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_version_v1_config_history__version__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                version: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VersionView"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_presets_v1_config_presets_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PresetNames"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_preset_v1_config_presets__name__get: {
        parameters: {
            query?: never;
            header?: {
                /** @description ETags that are known already. */
                "if-none-match"?: string | null;
            };
            path: {
                /** @description 1 to 64 small letters, digits and hyphens. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PresetView"];
                };
            };
            /** @description It is what `If-None-Match` names. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_preset_v1_config_presets__name__put: {
        parameters: {
            query?: {
                /** @description Check the change and tell what it would do; change nothing. */
                dry_run?: boolean;
            };
            header?: {
                /** @description ETag that the change is made for; left out: any. */
                "if-match"?: string | null;
                /** @description `*`: make the preset only if there is none. */
                "if-none-match"?: string | null;
                /** @description `wait=<seconds>`, at most 10: wait for the outcome. */
                prefer?: string | null;
            };
            path: {
                /** @description 1 to 64 small letters, digits and hyphens. */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConfigValues"];
            };
        };
        responses: {
            /** @description The change is made, or, with `dry_run`, what it would do. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigChange"] | components["schemas"]["ConfigPreview"];
                };
            };
            /** @description The change is asked for; `Location` tells where its outcome will be. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigChange"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state forbids the request. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `If-Match` or `If-None-Match` does not hold: somebody else changed it. */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is over the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_preset_v1_config_presets__name__delete: {
        parameters: {
            query?: {
                /** @description Check the change and tell what it would do; change nothing. */
                dry_run?: boolean;
            };
            header?: {
                /** @description ETag that the change is made for; left out: any. */
                "if-match"?: string | null;
                /** @description `*`: make the preset only if there is none. */
                "if-none-match"?: string | null;
                /** @description `wait=<seconds>`, at most 10: wait for the outcome. */
                prefer?: string | null;
            };
            path: {
                /** @description 1 to 64 small letters, digits and hyphens. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The change is made, or, with `dry_run`, what it would do. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigChange"] | components["schemas"]["ConfigPreview"];
                };
            };
            /** @description The change is asked for; `Location` tells where its outcome will be. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigChange"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state forbids the request. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `If-Match` or `If-None-Match` does not hold: somebody else changed it. */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is over the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    patch_preset_v1_config_presets__name__patch: {
        parameters: {
            query?: {
                /** @description Check the change and tell what it would do; change nothing. */
                dry_run?: boolean;
            };
            header?: {
                /** @description ETag that the change is made for; left out: any. */
                "if-match"?: string | null;
                /** @description `*`: make the preset only if there is none. */
                "if-none-match"?: string | null;
                /** @description `wait=<seconds>`, at most 10: wait for the outcome. */
                prefer?: string | null;
            };
            path: {
                /** @description 1 to 64 small letters, digits and hyphens. */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/merge-patch+json": {
                    [key: string]: unknown;
                };
            };
        };
        responses: {
            /** @description The change is made, or, with `dry_run`, what it would do. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigChange"] | components["schemas"]["ConfigPreview"];
                };
            };
            /** @description The change is asked for; `Location` tells where its outcome will be. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigChange"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state forbids the request. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `If-Match` or `If-None-Match` does not hold: somebody else changed it. */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is over the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    roll_back_v1_config_rollback_post: {
        parameters: {
            query?: {
                /** @description Check the change and tell what it would do; change nothing. */
                dry_run?: boolean;
            };
            header?: {
                /** @description ETag that the change is made for; left out: any. */
                "if-match"?: string | null;
                /** @description `*`: make the preset only if there is none. */
                "if-none-match"?: string | null;
                /** @description `wait=<seconds>`, at most 10: wait for the outcome. */
                prefer?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Rollback"];
            };
        };
        responses: {
            /** @description The change is made, or, with `dry_run`, what it would do. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigChange"] | components["schemas"]["ConfigPreview"];
                };
            };
            /** @description The change is asked for; `Location` tells where its outcome will be. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigChange"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state forbids the request. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `If-Match` or `If-None-Match` does not hold: somebody else changed it. */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is over the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_config_schema_v1_config_schema_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_glossaries_v1_glossaries_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GlossaryNames"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_glossary_v1_glossaries__name__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 1 to 64 small letters, digits and hyphens. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Glossary"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_glossary_v1_glossaries__name__put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 1 to 64 small letters, digits and hyphens. */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TermSet"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Glossary"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state forbids the request. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is over the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_glossary_v1_glossaries__name__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 1 to 64 small letters, digits and hyphens. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_sessions_v1_sessions_get: {
        parameters: {
            query?: {
                /** @description Sessions of one page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionList"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_session_v1_sessions_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["CreateSession"] | null;
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is over the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A limit is reached; `Retry-After` tells when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_session_v1_sessions__session_id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"] | components["schemas"]["ViewedSession"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    end_session_v1_sessions__session_id__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_session_v1_sessions__session_id__patch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangeSession"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is over the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_session_config_v1_sessions__session_id__config_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionConfigView"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_session_config_v1_sessions__session_id__config_put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SessionConfig"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionConfigView"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state forbids the request. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is over the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    end_session_v1_sessions__session_id__end_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_ledger_v1_sessions__session_id__ledger_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionLedger"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_presence_v1_sessions__session_id__presence_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionConnections"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_recording_v1_sessions__session_id__recording_get: {
        parameters: {
            query?: never;
            header?: {
                /** @description One range of bytes. */
                range?: string | null;
                /** @description The ETag that the range is of. */
                "if-range"?: string | null;
                /** @description The ETag that is known. */
                "if-none-match"?: string | null;
            };
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of it: mono, 16 kHz, 16 bits. */
            200: {
                headers: {
                    /** @description `bytes` */
                    "Accept-Ranges"?: string;
                    /** @description Another one after each change: a session that is live grows. */
                    ETag?: string;
                    /** @description When audio was written last. */
                    "Last-Modified"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "audio/wav": string;
                };
            };
            /** @description The part that `Range` asked for. */
            206: {
                headers: {
                    /** @description `bytes` */
                    "Accept-Ranges"?: string;
                    /** @description Which part of how many bytes. */
                    "Content-Range"?: string;
                    /** @description Another one after each change: a session that is live grows. */
                    ETag?: string;
                    /** @description When audio was written last. */
                    "Last-Modified"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "audio/wav": string;
                };
            };
            /** @description It is as `If-None-Match` says. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The range begins behind the end; `Content-Range` tells how many bytes there are. */
            416: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_recording_v1_sessions__session_id__recording_delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    head_recording_v1_sessions__session_id__recording_head: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of it: mono, 16 kHz, 16 bits. */
            200: {
                headers: {
                    /** @description `bytes` */
                    "Accept-Ranges"?: string;
                    /** @description Another one after each change: a session that is live grows. */
                    ETag?: string;
                    /** @description When audio was written last. */
                    "Last-Modified"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "audio/wav": string;
                };
            };
            /** @description It is as `If-None-Match` says. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_recording_access_v1_sessions__session_id__recording_access_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The cookie is set. */
            204: {
                headers: {
                    /** @description `dragoman-recording`: for the recording of this session only, for an hour. */
                    "Set-Cookie"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_transcript_v1_sessions__session_id__transcript_get: {
        parameters: {
            query?: {
                format?: "json" | "txt" | "srt" | "vtt";
                /** @description A BCP 47 code, or two with a comma between, shown together; left out: as spoken. */
                language?: string | null;
            };
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transcript"];
                    /**
                     * @example 1
                     *     00:00:00,480 --> 00:00:01,313
                     *     Hello.
                     */
                    "application/x-subrip": unknown;
                    /**
                     * @example Hello.
                     *     Welcome to Dragoman.
                     */
                    "text/plain": unknown;
                    /**
                     * @example WEBVTT
                     *
                     *     00:00:00.480 --> 00:00:01.313
                     *     Hello.
                     */
                    "text/vtt": unknown;
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_translation_v1_sessions__session_id__translation_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Translation"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_translation_v1_sessions__session_id__translation_put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Translation"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Translation"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state forbids the request. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is over the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_viewer_token_v1_sessions__session_id__viewer_tokens_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ViewerTokenWanted"] | null;
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ViewerTokenIssued"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is over the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_system_health_v1_system_health_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SystemHealth"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_system_overview_v1_system_overview_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SystemOverview"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_system_usage_v1_system_usage_get: {
        parameters: {
            query?: {
                /** @description First day, UTC; left out: 30 days ago. */
                from?: string | null;
                /** @description Last day, UTC; left out: today. */
                to?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SystemUsage"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_webhooks_v1_webhooks_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookList"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_webhook_v1_webhooks_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateWebhook"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookWithSecret"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is over the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A limit is reached; `Retry-After` tells when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_webhook_v1_webhooks__webhook_id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                webhook_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_webhook_v1_webhooks__webhook_id__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                webhook_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_webhook_v1_webhooks__webhook_id__patch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                webhook_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangeWebhook"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is over the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_deliveries_v1_webhooks__webhook_id__deliveries_get: {
        parameters: {
            query?: {
                /** @description Deliveries that a page looks at. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string | null;
                /** @description Only these; a page may then be shorter and not the last. */
                state?: components["schemas"]["State"] | null;
            };
            header?: never;
            path: {
                webhook_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryList"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_delivery_v1_webhooks__webhook_id__deliveries__delivery__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                webhook_id: string;
                delivery: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryWithEvent"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    redeliver_v1_webhooks__webhook_id__deliveries__delivery__redeliver_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                webhook_id: string;
                delivery: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Delivery"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state forbids the request. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rotate_secret_v1_webhooks__webhook_id__rotate_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                webhook_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookWithSecret"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    send_test_v1_webhooks__webhook_id__test_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                webhook_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Delivery"];
                };
            };
            /** @description No key or token, or one that is not known. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The token does not reach this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state forbids the request. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Problem details (RFC 9457) */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
