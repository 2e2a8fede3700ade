"""Every stream, group and key name, and the rule that places a session on a shard.

``{n}`` is a Redis Cluster hash tag (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/):
all keys of a session, and all sessions of a shard, share one slot, so that a worker reads many sessions in
one XREAD and the fenced publish is one script.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass

AUDIO_TEMPLATE = "{shard}:{session}:audio"
RESULTS_TEMPLATE = "{shard}:{session}:results"
"""What the streams of sessions are called in traces: one name for all."""

AUDIO_RESULTS = "stream:audio-results"
CONFIG_SYNC = "stream:config-sync"
BOT_CONTROL = "stream:bot-control"
MONITORING = "stream:monitoring"
CONTROL_STREAMS = (AUDIO_RESULTS, CONFIG_SYNC, BOT_CONTROL, MONITORING)

GROUP_AUDIO_PIPELINE = "audio-pipeline"
GROUP_CONFIG_SYNC = "config-sync"
GROUP_BOT_ORCHESTRATOR = "bot-orchestrator"
GROUP_MONITORING = "monitoring"
GROUP_ARCHIVE = "archive"
GROUP_WEBHOOKS = "webhooks"


def dead_letter_stream(stream: str) -> str:
    """Name of the stream that holds what could not be handled from ``stream``."""
    return f"{stream}:dead"


def fleet_key(profile: str) -> str:
    """Hash worker name → ``WorkerReport`` (JSON) of the workers of ``profile``."""
    return f"fleet:{profile}"


GLOSSARIES = "glossaries"
"""Hash name → terms (JSON list of ``GlossaryTerm``): the sets that sessions can name."""

PROCESSES = "processes"
"""Hash process name → ``ProcessReport`` (JSON): every process of the installation that uses Redis."""


def leader_key(role: str) -> str:
    """String: the token of the process that does what only one may do, such as ``monitoring``."""
    return f"leader:{role}"


class ConfigKeys:
    """Keys of the runtime configuration; all in one slot, so that a change is one script."""

    STATE = "{config}:state"
    """Hash: ``document`` (JSON), ``version``, ``checksum``, ``changed_ms``, ``changed_by``, ``change_id``."""
    HISTORY = "{config}:history"
    """Sorted set of all kept versions (JSON) by their number."""

    @staticmethod
    def change(change_id: str) -> str:
        """String: what became of a requested change (JSON); expires."""
        return f"{{config}}:change:{change_id}"


class BotKeys:
    """Keys of the bots; all in one slot: they are hundreds, not millions."""

    INDEX = "{bots}:index"
    """Sorted set of bot ids by the time they were asked for, unix ms."""
    QUEUE = "{bots}:queue"
    """Sorted set of ids of bots that nobody runs yet, by the unix ms from which they may be started."""
    LEASES = "{bots}:leases"
    """Sorted set of ids of bots that a worker runs, by the unix ms at which its lease ends."""
    EVENTS = "{bots}:events"
    """Stream of all that happens to bots, in the shared envelope: what sockets and webhooks follow."""

    @staticmethod
    def record(bot_id: str) -> str:
        """Hash: the bot's request, state, session, owner, runner and counters."""
        return f"{{bots}}:{bot_id}:record"

    @staticmethod
    def screenshots(bot_id: str) -> str:
        """Hash time (unix ms) → PNG, of what the bot saw when it failed."""
        return f"{{bots}}:{bot_id}:screenshots"

    @staticmethod
    def client_key(owner_key: str, client_key: str) -> str:
        """String: the bot asked for with this idempotency key, and a digest of the request; expires."""
        return f"{{bots}}:by-key:{owner_key}:{client_key}"

    @staticmethod
    def live_of(owner_key: str) -> str:
        """Set of the ids of an API key's bots that have not ended."""
        return f"{{bots}}:live-of:{owner_key}"

    @staticmethod
    def of_session(session_id: str) -> str:
        """String: the id of the bot that speaks into a session, as long as it has not ended."""
        return f"{{bots}}:of-session:{session_id}"


class BotField:
    """Fields of a bot's record; those that others than the bots' own parts read."""

    STATE = b"state"
    SEQ = b"seq"
    OWNER_KEY = b"owner_key"
    SESSION_ID = b"session_id"
    DRIVER = b"driver"
    WORKER = b"worker"
    CREATED_MS = b"created_ms"
    SINCE_MS = b"since_ms"
    """When it came into its state."""
    DEGRADED = b"degraded"
    """Empty, or what an active bot lacks: no_audio or no_words."""


class WebhookKeys:
    """Keys of the webhooks; all in one slot, so that taking what is due is one script."""

    PREFIX = "{webhooks}:"
    ENDPOINTS = "{webhooks}:endpoints"
    """Sorted set of endpoint ids by the unix ms at which they were made."""
    VERSION = "{webhooks}:version"
    """Number: another one after each change of an endpoint."""
    DUE = "{webhooks}:due"
    """Sorted set of the endpoint ids that have something waiting, by the unix ms of their next turn."""

    @staticmethod
    def endpoint(endpoint_id: str) -> str:
        """Hash: one endpoint with its secrets and how it has answered."""
        return f"{{webhooks}}:endpoint:{endpoint_id}"

    @staticmethod
    def endpoints_of(owner_key: str) -> str:
        """Sorted set of the endpoint ids of an API key by the unix ms at which they were made."""
        return f"{{webhooks}}:endpoints-of:{owner_key}"

    @staticmethod
    def queue(endpoint_id: str) -> str:
        """Sorted set of the delivery ids that wait, by the unix ms of their next attempt."""
        return f"{{webhooks}}:queue:{endpoint_id}"

    @staticmethod
    def leased(endpoint_id: str) -> str:
        """Sorted set of the delivery ids that a courier sends now, by the unix ms at which its lease ends."""
        return f"{{webhooks}}:leased:{endpoint_id}"

    @staticmethod
    def delivery(delivery_id: str) -> str:
        """Hash: one delivery with its body and its attempts; expires."""
        return f"{{webhooks}}:delivery:{delivery_id}"

    @staticmethod
    def log(endpoint_id: str) -> str:
        """Sorted set of the delivery ids of an endpoint by the unix ms at which they were made."""
        return f"{{webhooks}}:log:{endpoint_id}"


class AlertKeys:
    """Keys of the alerts."""

    OPEN = "{alerts}:open"
    """Hash rule and subject → an alert that is open, or over and not told everybody yet (JSON)."""
    TOLD = "{alerts}:told"
    """Hash receiver, rule and subject → unix ms at which it was told last: so that nothing is told twice."""


class MonitoringKeys:
    """Keys of the monitoring worker."""

    OVERVIEW = "{monitoring}:overview"
    """String: the newest ``Overview`` (JSON); expires, so that what is there is true."""
    ANOMALIES = "{monitoring}:anomalies"
    """Hash rule and subject → open ``Anomaly`` and whether it was told (JSON): for the next leader."""
    GONE = "{monitoring}:gone"
    """Hash process name → a process that went without a word and has no successor yet (JSON)."""
    DRIFT = "{monitoring}:drift"
    """Hash part → the newest ``ConfigDriftDetected`` of it (JSON); of the configuration in force."""
    RECOVERIES = "{monitoring}:recoveries"
    """Hash what was asked for → when (unix ms) and how often (JSON): so it is not asked for too often."""
    USAGE_TOLD = "{monitoring}:usage-told"
    """Hash ``<day>|<API key name>`` → the ``UsageMetrics`` that was published last (JSON)."""

    @staticmethod
    def usage(day: str) -> str:
        """Hash ``<API key name>|<measure>`` → number, of one day (YYYY-MM-DD, UTC); expires."""
        return f"{{monitoring}}:usage:{day}"

    @staticmethod
    def counted(day: str) -> str:
        """Set of what was counted that day, so that nothing is counted twice; expires."""
        return f"{{monitoring}}:counted:{day}"


def shard_of(session_id: str, shards: int) -> int:
    """Shard of a session: CRC-16/XMODEM of its id modulo the number of shards."""
    return binascii.crc_hqx(session_id.encode(), 0) % shards


@dataclass(frozen=True, slots=True)
class ShardKeys:
    """Keys that the sessions of one shard share."""

    shard: int

    def sessions(self, profile: str) -> str:
        """Stream of ``AudioSessionOpened`` that workers of ``profile`` lease sessions from."""
        return f"{{{self.shard}}}:sessions:{profile}"

    @property
    def index(self) -> str:
        """Sorted set of the shard's session ids by creation time in ms."""
        return f"{{{self.shard}}}:index"

    @property
    def active(self) -> str:
        """Sorted set of the shard's session ids that count against the limit of all sessions."""
        return f"{{{self.shard}}}:active"

    def active_of(self, owner_key: str) -> str:
        """Sorted set of the shard's session ids that count against the limit of one API key."""
        return f"{{{self.shard}}}:active-of:{owner_key}"


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """Keys of one session; all in the slot of its shard."""

    session_id: str
    shards: int = 1

    @property
    def shard(self) -> ShardKeys:
        """The keys of the shard that this session is placed on."""
        return ShardKeys(shard_of(self.session_id, self.shards))

    def _key(self, name: str) -> str:
        return f"{{{self.shard.shard}}}:{self.session_id}:{name}"

    @property
    def audio(self) -> str:
        """Stream of ingest entries, ids ``<connection epoch>-<seq>``."""
        return self._key("audio")

    @property
    def results(self) -> str:
        """Stream of results, ids ``<offset>-0``."""
        return self._key("results")

    @property
    def record(self) -> str:
        """Hash written by the API: options, status, connection epoch, times."""
        return self._key("record")

    @property
    def state(self) -> str:
        """Hash written by the leaseholder under its fence; its fields are ``StateField``."""
        return self._key("state")

    @property
    def owner(self) -> str:
        """String: the fencing token of the current leaseholder."""
        return self._key("owner")

    @property
    def presence(self) -> str:
        """Sorted set of the sockets on this session by the unix ms at which each counts as gone.

        The score is negated for speakers, so that each role is counted by one ZCOUNT.
        """
        return self._key("presence")

    @property
    def wanted(self) -> str:
        """Sorted set of the target languages that viewers subscribe to, by the unix ms at which each lapses.

        The API processes renew it; the worker reads it for sessions that are translated on demand.
        """
        return self._key("wanted")

    @property
    def outbox(self) -> str:
        """Hash offset → event: what follows from finals and is not done yet."""
        return self._key("outbox")


class DeadLetterField:
    """What a dead letter has beside the fields of the entry that it was; all begin with ``dl_``."""

    PREFIX = b"dl_"
    REASON = b"dl_reason"
    ENTRY = b"dl_entry"
    """Its id on the stream that it came from."""
    GROUP = b"dl_group"
    CONSUMER = b"dl_consumer"
    DELIVERIES = b"dl_deliveries"


class AudioField:
    """Short field names of an ingest entry (docs/protocol.md gives the long form)."""

    KIND = b"k"
    DATA = b"d"
    BYTES_TOTAL = b"n"
    """Bytes of audio accepted in this session up to and including this entry (decimal).

    Where it says more than the entries before and this one hold, audio was lost between them: a gap. Where it
    says less, the beginning of this entry is known already (audio that was asked for again).
    """
    TRACE = b"p"
    """W3C traceparent; only in entries with a frame whose way is traced."""


class AudioKind:
    """Values of ``AudioField.KIND``."""

    FRAME = b"a"
    FORMAT = b"f"
    FLUSH = b"x"
    END = b"e"


class RecordField:
    """Fields of the session's record, written by the API."""

    OPTIONS = b"options"
    STATUS = b"status"
    PROFILE = b"profile"
    CREATED_MS = b"created_ms"
    ENDED_MS = b"ended_ms"
    EPOCH = b"epoch"
    """Connection epoch: how many speakers' sockets have opened this session."""
    RESULTS_EPOCH = b"results_epoch"
    """Random: tells positions of this history from those of a lost one."""
    OPENED = b"opened"
    """Entry id of AudioSessionOpened; set once."""
    TRANSLATION = b"translation"
    """``TranslationOptions`` as JSON, sets of terms resolved; the worker looks at it every second."""
    TARGETS = b"targets"
    """Its target languages alone, separated by commas: what viewers' languages are matched with."""
    CONFIG = b"config"
    """What the session sets of the runtime configuration, as JSON; the worker looks at it every second."""
    FORMAT = b"format"
    OWNER_KEY = b"owner_key"
    """Name of the API key that made the session."""
    TITLE = b"title"
    """What people call it; content, so never in a log."""
    RECORDING = b"recording"
    """How its recording is: ``recording``, ``complete``, ``failed:<reason>``, or nothing where there is none.
    The worker looks at it every second."""
    SEEN_MS = b"seen_ms"
    """When a speaker was last connected, unix ms; abandoned sessions are ended by it."""
    END_REASON = b"end_reason"
    """Set with the status ``ending``: no more audio is taken, the worker finishes what there is."""


class StateField:
    """Fields of the session's state, written by the leaseholder under its fence."""

    GENERATION = b"generation"
    CHECKPOINT = b"checkpoint"
    """Opaque to all but the worker; the fenced publish compares it."""
    STATE = b"state"
    OFFSET = b"offset"
    COMMITTED_MS = b"committed_ms"
    """Audio up to here is final or silence."""
    HEARD_MS = b"heard_ms"
    """Audio up to here was decoded and gated."""
    CONSUMED_BYTES = b"consumed_bytes"
    LEDGER = b"ledger"
    TRIMMED_OFFSET = b"trimmed_offset"
    """Results up to here may have been trimmed (absent: none); whoever trims the results writes it."""


class ResultField:
    """Short field names of a result entry."""

    TYPE = b"t"
    DATA = b"d"
    TIME_MS = b"ms"
    TRACE = b"p"
    """W3C traceparent; only in entries whose way is traced."""
