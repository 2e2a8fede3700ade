"""The session lease and the fence as a state machine: real scripts on a real Redis against a pure model.

After each step all of Redis must be what the model says; the named invariants say once more, from Redis alone
and from what was accepted, what that means for a viewer. Whether the machine can fail is tested at the end,
with scripts that were broken on purpose.

No time passes here: a lease runs out by XCLAIM with IDLE, and a paused worker is one that does nothing.
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from redis.exceptions import NoScriptError

from dragoman_contracts.envelope import Envelope
from dragoman_contracts.errors import BusUnavailable, Fenced
from dragoman_contracts.events import AudioSessionOpened, to_envelope
from dragoman_contracts.streams import GROUP_AUDIO_PIPELINE, SessionKeys, ShardKeys, StateField
from dragoman_runtime import session_lease
from dragoman_runtime.broker.redis import Command, RedisBroker, connect_redis
from dragoman_runtime.broker.scripts import Script
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.session_lease import ResultBatch, ResultEvent, SessionLease, SessionLeases
from tests.servers import server_binary

from .lease_model import EXPIRING, FENCED, LeaseModel, Session, Step

SHARDS = 2
SESSION_IDS = ("s0", "s1", "s2", "s3")  # the first on shard 1, the others on shard 0
WORKERS = 3
LEASE_MS = 600_000
MAX_DELIVERIES = 3
RETENTION_S = 3_600
PROFILE = "mock"
CALM = 2
"""Steps that succeed between two disasters; a world that only breaks proves little."""
LOSSES = (
    ("owner",),
    ("outbox",),
    ("audio",),
    ("record",),
    ("results",),
    ("state", "results", "outbox", "owner"),
)
"""What Redis may lose of a session; the state alone has tests of its own below."""

picks = st.integers(0, 11)
kinds = st.sampled_from([(False,), (True,), (False, True), (True, False, True), (False, False), ()])
"""The events of a step: finals (True) and partials."""
answers = st.sampled_from(["", "", "", "reply", "request"])
"""What the network loses of an exchange."""


class LossyBroker(RedisBroker):
    """Loses the next request before Redis has it, or its reply when Redis has done it."""

    loses = ""

    async def exchange(self, commands: Sequence[Command], *, wait_s: float = 0.0) -> list[Any]:
        if self.loses == "request":
            self.loses = ""
            raise BusUnavailable("the request was lost")
        replies = await super().exchange(commands, wait_s=wait_s)
        # An unknown script has done nothing yet, it is sent again in full.
        if self.loses == "reply" and not any(isinstance(reply, NoScriptError) for reply in replies):
            self.loses = ""
            raise BusUnavailable("the reply was lost")
        return replies


class Worker:
    """A process: its name, its connection, what it remembers."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self.client = connect_redis(url)
        self.broker = LossyBroker(self.client)
        self.leases = SessionLeases(
            self.broker,
            worker=name,
            profile=PROFILE,
            shards=SHARDS,
            lease_ms=LEASE_MS,
            max_deliveries=MAX_DELIVERIES,
        )
        self.is_paused = False
        self.unrenewed: set[int] = set()
        """Shards whose last renewal was not answered: its own leases there may look like a dead worker's."""


@dataclass(eq=False)
class Holding:
    """A lease as its worker remembers it, right or wrong."""

    worker: Worker
    lease: SessionLease
    is_active: bool = False
    progressed: bool = False
    unanswered: Step | None = None
    """Sent, and not known whether it was done; until that is known the worker may only repeat it."""

    @property
    def session_id(self) -> str:
        return self.lease.session_id


class LeaseMachine(RuleBasedStateMachine):
    """Workers that claim, publish, sleep and die; a network and a Redis that forget."""

    def __init__(self, url: str, losses: Sequence[tuple[str, ...]] = LOSSES) -> None:
        super().__init__()
        self.url = url
        self.losses = losses
        self.runner = asyncio.Runner()
        self.client: Any = connect_redis(url)
        self.redis = RedisBroker(self.client)
        self.model = LeaseModel(SHARDS)
        self.names = 0
        self.numbers = 0
        self.calm = 0
        self.workers = [self.new_worker() for _ in range(WORKERS)]
        self.holdings: list[Holding] = []
        self.saved: tuple[list[tuple[bytes, int, bytes]], LeaseModel] | None = None
        self.ask(("FLUSHALL",), ("SCRIPT", "FLUSH"))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def ask(self, *commands: Command) -> list[Any]:
        return self.run(self.redis.exchange(commands))

    def teardown(self) -> None:
        for client in (self.client, *(worker.client for worker in self.workers)):
            self.run(client.aclose())
        self.runner.close()

    # --- speakers ----------------------------------------------------------------------------------------

    @initialize(session_ids=st.lists(st.sampled_from(SESSION_IDS), unique=True, min_size=1))
    def begin(self, session_ids: list[str]) -> None:
        """Most of what can go wrong needs an owner first."""
        for session_id in session_ids:
            self.open(session_id)
            self.hear(0, 3)
        for _ in range(2):  # the first one makes the groups
            self.start(0, room=len(session_ids))

    @precondition(lambda self: len(self.model.sessions) < len(SESSION_IDS))
    @rule(pick=picks)
    def a_session_opens(self, pick: int) -> None:
        unopened = [one for one in SESSION_IDS if one not in self.model.sessions]
        self.open(unopened[pick % len(unopened)])

    def open(self, session_id: str) -> None:
        keys = SessionKeys(session_id, SHARDS)
        event = AudioSessionOpened(session_id=session_id, profile=PROFILE)
        fields = to_envelope(event, source="/test", subject=session_id).to_fields()
        flat = [part for pair in fields.items() for part in pair]
        entry_id, _ = self.ask(
            ("XADD", keys.shard.sessions(PROFILE), "*", *flat), ("HSET", keys.record, "status", "live")
        )
        self.model.open(session_id, entry_id.decode())

    @precondition(lambda self: self.model.live())
    @rule(pick=picks, count=st.integers(1, 3))
    def hear(self, pick: int, count: int) -> None:
        session = self.live(pick)
        audio = SessionKeys(session.id, SHARDS).audio
        seqs = range(session.next_seq, session.next_seq + count)
        self.ask(*[("XADD", audio, f"1-{seq}", "k", "a", "d", "x") for seq in seqs])
        session.audio += seqs
        session.next_seq += count

    # --- leases ------------------------------------------------------------------------------------------

    @rule(pick=picks, room=st.integers(0, 3), forgets=st.booleans())
    def claim(self, pick: int, room: int, forgets: bool) -> None:
        """Claim; one that forgets stands for one whose reply was lost."""
        taken = self.claim_for(self.awake(pick), room)
        if forgets:
            self.holdings = [holding for holding in self.holdings if holding not in taken]

    def claim_for(self, worker: Worker, room: int) -> list[Holding]:
        expected = self.model.claim(worker.name, room, worker.unrenewed)
        leases: list[SessionLease] = self.run(worker.leases.claim(room))
        assert [(lease.session_id, lease.times_delivered) for lease in leases] == expected
        for lease in leases:
            assert worker.leases.is_poison(lease) == (lease.times_delivered > MAX_DELIVERIES)
        holdings = [Holding(worker, lease) for lease in leases]
        self.holdings += holdings
        return holdings

    @precondition(lambda self: self.inactive())
    @rule(pick=picks, loses=answers)
    def activate(self, pick: int, loses: str) -> None:
        inactive = self.inactive()
        self.activate_it(inactive[pick % len(inactive)], loses)

    def activate_it(self, holding: Holding, loses: str) -> None:
        """Whoever slept since its claim, and lost the lease, gets nothing."""
        lease, session = holding.lease, self.model.sessions[holding.session_id]
        before = self.dump()
        holding.worker.broker.loses = loses
        try:
            self.run(holding.worker.leases.activate(lease))
            outcome = "done"
        except Fenced:
            outcome = FENCED
        except BusUnavailable:
            outcome = ""
        may = self.model.held(holding.worker.name, lease.session_id, lease.entry_id) is not None
        if may and loses != "request":
            owner = self.ask(("GET", lease.keys.owner))[0].decode()
            assert owner not in (session.owner, ""), "the token is not a fresh one"
            session.owner = owner
            session.generation += 1
        else:
            assert self.dump() == before, "an activation that was refused changed something"
        assert outcome == ("" if loses else "done" if may else FENCED)
        if outcome == "done":
            holding.is_active = True
            assert (lease.token, lease.generation) == (session.owner, session.generation)
            assert (lease.checkpoint, lease.state) == (session.checkpoint, session.state)
            assert (lease.offset, lease.outbox) == (session.offset, session.outbox)
        elif outcome == FENCED:
            self.holdings.remove(holding)

    @rule(pick=picks, room=st.integers(1, 3))
    def start(self, pick: int, room: int) -> None:
        """As a worker does it: claim, and activate at once."""
        for holding in self.claim_for(self.awake(pick), room):
            self.activate_it(holding, "")

    @rule(pick=picks, loses=answers, drops=st.booleans())
    def renew(self, pick: int, loses: str, drops: bool) -> None:
        self.renew_all(self.awake(pick), loses, drops)

    def renew_all(self, worker: Worker, loses: str, drops: bool) -> None:
        mine = [holding for holding in self.holdings if holding.worker is worker]
        shards = {SessionKeys(holding.session_id, SHARDS).shard.shard for holding in mine}
        if loses and len(shards) != 1:
            loses = ""  # the loss of one of several exchanges is a matter of each of them
        owners = self.consumers()
        worker.broker.loses = loses
        try:
            lost = self.run(worker.leases.renew([holding.lease for holding in mine]))
        except BusUnavailable:
            assert loses
            lost = None
        worker.unrenewed = shards if lost is None else set()
        assert self.consumers() == owners, "renewing moved a lease to another worker"
        if loses != "request":
            facts = [(one.session_id, one.lease.entry_id, one.progressed) for one in mine]
            kept = self.model.renew(worker.name, facts)
        if lost is None:
            return
        for holding, is_kept in zip(mine, kept, strict=True):
            holding.progressed = False
            assert is_kept == all(lease is not holding.lease for lease in lost)
            if drops and not is_kept:
                self.holdings.remove(holding)

    @precondition(lambda self: self.pending())
    @rule(pick=picks)
    def a_lease_runs_out(self, pick: int) -> None:
        pending = self.pending()
        self.expire(*pending[pick % len(pending)])

    def expire(self, shard: int, entry_id: str) -> None:
        entry = self.model.shards[shard].entries[entry_id]
        stream = ShardKeys(shard).sessions(PROFILE)
        claim = ("XCLAIM", stream, GROUP_AUDIO_PIPELINE, entry.consumer, 0, entry_id)
        self.ask((*claim, "IDLE", LEASE_MS, "JUSTID"))
        entry.expired = True

    @precondition(lambda self: self.pending())
    @rule(pick=picks, heir=picks)
    def a_takeover(self, pick: int, heir: int) -> None:
        """What a silent worker had runs out, and another one has room for it."""
        self.a_lease_runs_out(pick)
        self.start(heir, room=len(SESSION_IDS))

    @precondition(lambda self: self.pending())
    @rule(pick=picks, times=st.integers(2, 4))
    def a_session_kills_its_workers(self, pick: int, times: int) -> None:
        for worker in range(times):
            if self.pending():
                self.a_takeover(pick, worker)

    @precondition(lambda self: self.holdings)
    @rule(pick=picks, loses=answers, drops=st.booleans())
    def hand_over(self, pick: int, loses: str, drops: bool) -> None:
        self.hand_it_over(self.any_holding(pick), loses, drops)

    def hand_it_over(self, holding: Holding, loses: str, drops: bool) -> None:
        worker, lease = holding.worker, holding.lease
        before = self.dump()
        worker.broker.loses = loses
        try:
            told = self.run(worker.leases.hand_over(lease))
        except BusUnavailable:
            told = None
        done = loses != "request" and self.model.hand_over(worker.name, lease.session_id, lease.entry_id)
        assert told == (None if loses else done)
        if not done:
            assert self.dump() == before, "who has no lease handed something over"
        if drops:
            self.holdings.remove(holding)

    # --- under the fence ---------------------------------------------------------------------------------

    @precondition(lambda self: self.active())
    @rule(
        pick=picks,
        finals=kinds,
        trims=st.integers(0, 3),
        progressed=st.booleans(),
        loses=answers,
    )
    def publish(self, pick: int, finals: tuple[bool, ...], trims: int, progressed: bool, loses: str) -> None:
        active = self.active()
        holding = active[pick % len(active)]
        step = holding.unanswered or self.new_step(holding, finals, trims, progressed)
        self.do_step(holding, step, loses)

    @precondition(lambda self: self.active())
    @rule(pick=picks, steps=st.lists(kinds, min_size=1, max_size=3), trims=st.integers(0, 2))
    def work(self, pick: int, steps: list[tuple[bool, ...]], trims: int) -> None:
        """An owner gets on."""
        active = self.active()
        owners = [one for one in active if self.model.sessions[one.session_id].owner == one.lease.token]
        holding = (owners or active)[pick % len(owners or active)]
        for finals in steps:
            step = holding.unanswered or self.new_step(holding, finals, trims, progressed=True)
            self.do_step(holding, step, "")

    @precondition(lambda self: any(holding.unanswered for holding in self.active()))
    @rule(pick=picks)
    def publish_again(self, pick: int) -> None:
        """The reply was lost; by now anything may have happened."""
        waiting = [holding for holding in self.active() if holding.unanswered]
        holding = waiting[pick % len(waiting)]
        assert holding.unanswered is not None
        self.do_step(holding, holding.unanswered, "")

    @precondition(lambda self: self.active())
    @rule(pick=picks)
    def all_publish_at_once(self, pick: int) -> None:
        """Everybody who ever held the session tries, on connections of their own: one may."""
        active = self.active()
        session = self.model.sessions[active[pick % len(active)].session_id]
        rivals = [one for one in active if one.session_id == session.id]
        steps = [one.unanswered or self.new_step(one, [True]) for one in rivals]

        async def race() -> list[Any]:
            tries = [
                one.worker.leases.publish(one.lease, batch_of(step))
                for one, step in zip(rivals, steps, strict=True)
            ]
            return await asyncio.gather(*tries, return_exceptions=True)

        facts = [(one.lease.checkpoint, checkpoint_of(one.lease)) for one in rivals]
        outcomes = self.run(race())
        accepted = [outcome for outcome in outcomes if isinstance(outcome, int)]
        assert len(accepted) <= 1, "two workers published for one session"
        for one, step, fact, outcome in zip(rivals, steps, facts, outcomes, strict=True):
            self.learn(one, step, session.publish(one.lease.token, step, *fact), outcome)

    def new_step(
        self, holding: Holding, finals: Sequence[bool], trims: int = 0, progressed: bool = False
    ) -> Step:
        """A step as its worker would mean it: partials make way for what comes after them."""
        session = self.model.sessions[holding.session_id]
        self.numbers += 1
        events = []
        for place, is_final in enumerate(finals):
            data = msgspec.json.encode({"step": self.numbers, "place": place})
            events.append(("transcript.final" if is_final else "transcript.partial", data, is_final))
        trim_seq = min(session.trim_seq + trims, session.next_seq)
        return Step(
            number=self.numbers,
            events=tuple(events),
            state=msgspec.json.encode({"step": self.numbers, "trim": trim_seq, "last": len(finals) - 1}),
            trim_seq=trim_seq,
            superseded=session.partials() if finals else (),
            progressed=progressed,
        )

    def do_step(self, holding: Holding, step: Step, loses: str) -> None:
        worker, lease = holding.worker, holding.lease
        session = self.model.sessions[lease.session_id]
        before = self.dump()
        facts = (lease.checkpoint, checkpoint_of(lease))
        worker.broker.loses = loses
        outcome: Any
        try:
            outcome = self.run(worker.leases.publish(lease, batch_of(step)))
        except (Fenced, BusUnavailable) as error:
            outcome = error
        expected: int | str = ""
        if loses != "request":
            expected = session.publish(lease.token, step, *facts)
        if isinstance(expected, str):
            assert self.dump() == before, "a refused step changed something"
        if loses:
            assert isinstance(outcome, BusUnavailable)
            holding.unanswered = step
        else:
            self.learn(holding, step, expected, outcome)

    def learn(self, holding: Holding, step: Step, expected: int | str, outcome: object) -> None:
        """The answer must be the model's."""
        if isinstance(expected, str):
            assert isinstance(outcome, Fenced), f"{outcome!r} instead of {expected}"
            assert expected in outcome.message
        else:
            assert outcome == expected
            assert holding.lease.offset == expected
            self.calm += 1
            holding.unanswered = None
            holding.progressed |= step.progressed

    @precondition(lambda self: self.calm >= CALM and self.active())
    @rule(pick=picks, loses=answers)
    def end(self, pick: int, loses: str) -> None:
        self.calm = 0
        active = self.active()
        self.end_it(active[pick % len(active)], loses)

    def end_it(self, holding: Holding, loses: str) -> None:
        worker, lease = holding.worker, holding.lease
        session = self.model.sessions[lease.session_id]
        before = self.dump()
        worker.broker.loses = loses
        try:
            self.run(worker.leases.end(lease, retention_s=RETENTION_S))
            outcome = "done"
        except Fenced:
            outcome = FENCED
        except BusUnavailable:
            outcome = ""
        may = bool(lease.token) and session.owner == lease.token
        if may and loses != "request":
            self.model.end(lease.session_id, lease.entry_id)
        else:
            assert self.dump() == before, "an end that was refused changed something"
        assert outcome == ("" if loses else "done" if may else FENCED)

    @precondition(lambda self: self.model.live())
    @rule(pick=picks)
    def what_follows_is_done(self, pick: int) -> None:
        """The oldest final of the outbox is delivered and cleared."""
        session = self.live(pick)
        if session.outbox:
            offset = min(session.outbox)
            self.ask(("HDEL", SessionKeys(session.id, SHARDS).outbox, offset))
            del session.outbox[offset]

    # --- sleep and death ---------------------------------------------------------------------------------

    @precondition(lambda self: sum(not worker.is_paused for worker in self.workers) > 1)
    @rule(pick=picks)
    def a_worker_falls_asleep(self, pick: int) -> None:
        self.awake(pick).is_paused = True

    @precondition(lambda self: any(worker.is_paused for worker in self.workers))
    @rule(pick=picks, deeds=st.lists(st.sampled_from(["publish", "renew", "hand_over", "end"]), max_size=4))
    def a_zombie_wakes(self, pick: int, deeds: list[str]) -> None:
        """It acts on all that it remembers before it looks around."""
        asleep = [worker for worker in self.workers if worker.is_paused]
        worker = asleep[pick % len(asleep)]
        worker.is_paused = False
        for deed in deeds:
            if deed == "renew":
                self.renew_all(worker, "", drops=False)
                continue
            for holding in [one for one in self.active() if one.worker is worker]:
                if deed == "publish":
                    self.do_step(holding, holding.unanswered or self.new_step(holding, [True], 1), "")
                elif deed == "hand_over":
                    self.hand_it_over(holding, "", drops=False)
                else:
                    self.end_it(holding, "")

    @precondition(lambda self: self.calm >= CALM)
    @rule(pick=picks, keeps_name=st.booleans())
    def a_worker_dies(self, pick: int, keeps_name: bool) -> None:
        self.calm = 0
        self.replace(pick % WORKERS, keeps_name)

    def replace(self, place: int, keeps_name: bool) -> None:
        """Another takes its place, with its name where the platform gives names to places."""
        dead = self.workers[place]
        self.run(dead.client.aclose())
        self.workers[place] = Worker(self.url, dead.name) if keeps_name else self.new_worker()
        self.holdings = [holding for holding in self.holdings if holding.worker is not dead]

    @precondition(lambda self: self.calm >= CALM)
    @rule(ends=st.booleans())
    def all_die(self, ends: bool) -> None:
        """One newcomer gets every open session, and can go on with it or end it: none is orphaned."""
        self.calm = 0
        for place in range(WORKERS):
            self.replace(place, keeps_name=False)
        for shard, entry_id in self.pending():
            self.expire(shard, entry_id)
        newcomer = self.workers[0]
        taken = [holding for _ in range(2) for holding in self.claim_for(newcomer, len(SESSION_IDS))]
        assert {holding.session_id for holding in taken} == {session.id for session in self.model.live()}
        for holding in taken:
            self.activate_it(holding, "")
            self.do_step(holding, self.new_step(holding, [True]), "")
            if ends:
                self.end_it(holding, "")

    # --- Redis forgets -----------------------------------------------------------------------------------

    @rule()
    def the_scripts_are_lost(self) -> None:
        self.ask(("SCRIPT", "FLUSH"))

    @precondition(lambda self: self.calm >= CALM and self.model.live())
    @rule(pick=picks, kind=picks)
    def a_part_is_lost(self, pick: int, kind: int) -> None:
        self.calm = 0
        session = self.live(pick)
        for part in self.losses[kind % len(self.losses)]:
            self.ask(("DEL", getattr(SessionKeys(session.id, SHARDS), part)))
            session.lose(part)

    @precondition(lambda self: self.calm >= CALM)
    @rule(pick=picks)
    def a_group_is_lost(self, pick: int) -> None:
        self.calm = 0
        shard = pick % SHARDS
        if self.model.shards[shard].group:
            self.ask(("XGROUP", "DESTROY", ShardKeys(shard).sessions(PROFILE), GROUP_AUDIO_PIPELINE))
            self.model.shards[shard].forget_group()

    @precondition(lambda self: self.calm >= CALM)
    @rule()
    def everything_is_lost(self) -> None:
        self.calm = 0
        self.ask(("FLUSHALL",))
        self.model = LeaseModel(SHARDS)
        # Their sessions are unknown to the model until somebody opens them again.
        self.holdings = [holding for holding in self.holdings if self.lost_its_session(holding)]

    def lost_its_session(self, holding: Holding) -> bool:
        """A session that nobody knows any more: its holder finds out whatever it tries; then opened anew."""
        lease, leases = holding.lease, holding.worker.leases
        assert self.run(leases.renew([lease])) == [lease]
        holding.worker.unrenewed = set()
        assert self.run(leases.hand_over(lease)) is False
        if holding.is_active:
            batch = batch_of(Step(0, (), b"", 0, (), False))
            assert self.is_fenced(leases.publish(lease, batch))
            assert self.is_fenced(leases.end(lease, retention_s=RETENTION_S))
        assert self.ask(("DBSIZE",)) == [0]
        holding.progressed = False
        return holding.is_active

    def is_fenced(self, deed: Coroutine[Any, Any, Any]) -> bool:
        try:
            self.run(deed)
        except Fenced:
            return True
        return False

    @rule()
    def redis_writes_to_disk(self) -> None:
        keys = self.ask(("KEYS", "*"))[0]
        facts = self.ask(*[(name, key) for key in keys for name in ("PTTL", "DUMP")])
        stored = [
            (key, max(ttl, 0), blob) for key, ttl, blob in zip(keys, facts[::2], facts[1::2], strict=True)
        ]
        self.saved = (stored, copy.deepcopy(self.model))

    @precondition(lambda self: self.calm >= CALM and self.saved is not None)
    @rule()
    def redis_restarts_from_disk(self) -> None:
        """All since then is lost; the workers remember it."""
        assert self.saved is not None
        self.calm = 0
        stored, model = self.saved
        self.ask(("FLUSHALL",), ("SCRIPT", "FLUSH"), *[("RESTORE", *facts) for facts in stored])
        self.model = copy.deepcopy(model)

    # --- what must hold ----------------------------------------------------------------------------------

    @invariant()
    def redis_is_what_the_model_says(self) -> None:
        real, ttls = self.view()
        assert real == self.model.view()
        for session in self.model.sessions.values():
            self.viewers_see_what_was_accepted(real[session.id])
            if session.ended:
                assert not {name for name, ttl in ttls[session.id].items() if ttl == -1}
                assert {name for name, ttl in ttls[session.id].items() if ttl > 0} <= set(EXPIRING)
            else:
                assert all(ttl < 0 for ttl in ttls[session.id].values()), "a live session would vanish"

    @staticmethod
    def viewers_see_what_was_accepted(seen: dict[str, Any]) -> None:
        """From Redis alone: each event once and in order, the state of the same step, its audio there."""
        events = [msgspec.json.decode(data) for _, _, data in seen["results"]]
        told = [(event["step"], event["place"]) for event in events]
        assert told == sorted(set(told)), "an event came twice or out of order"
        offsets = [offset for offset, _, _ in seen["results"]]
        assert offsets == sorted(set(offsets))
        finals = {offset: data for offset, kind, data in seen["results"] if kind == "transcript.final"}
        # What is older than the results that are left follows from results that Redis lost.
        waiting = (
            {offset: data for offset, data in seen["outbox"].items() if offset >= offsets[0]} if told else {}
        )
        assert waiting.items() <= finals.items()
        raw = seen["state"].get(StateField.STATE)
        if raw is None:
            return
        state = msgspec.json.decode(raw)
        if told and state["last"] >= 0:
            assert told[-1] == (state["step"], state["last"]), "state and results are of different steps"

    @invariant()
    def every_open_session_can_be_claimed(self) -> None:
        entries = [entry.session_id for shard in self.model.shards for entry in shard.entries.values()]
        assert sorted(entries) == sorted(session.id for session in self.model.live())

    # --- reading -----------------------------------------------------------------------------------------

    def new_worker(self) -> Worker:
        self.names += 1
        return Worker(self.url, f"worker-{self.names}")

    def awake(self, pick: int) -> Worker:
        awake = [worker for worker in self.workers if not worker.is_paused]
        return awake[pick % len(awake)]

    def live(self, pick: int) -> Session:
        live = self.model.live()
        return live[pick % len(live)]

    def awake_holdings(self) -> list[Holding]:
        return [
            one for one in self.holdings if not one.worker.is_paused and one.session_id in self.model.sessions
        ]

    def active(self) -> list[Holding]:
        return [holding for holding in self.awake_holdings() if holding.is_active]

    def inactive(self) -> list[Holding]:
        return [holding for holding in self.awake_holdings() if not holding.is_active]

    def any_holding(self, pick: int) -> Holding:
        return self.holdings[pick % len(self.holdings)]

    def pending(self) -> list[tuple[int, str]]:
        return [
            (number, entry_id)
            for number, shard in enumerate(self.model.shards)
            for entry_id, entry in shard.entries.items()
            if entry.consumer
        ]

    def consumers(self) -> list[Any]:
        """Who holds which entry, as Redis has it."""
        streams = [ShardKeys(shard).sessions(PROFILE) for shard in range(SHARDS)]
        rows = self.ask(*[("XPENDING", stream, GROUP_AUDIO_PIPELINE, "-", "+", 99) for stream in streams])
        return [[] if isinstance(page, Exception) else [row[:2] for row in page] for page in rows]

    def dump(self) -> dict[bytes, bytes]:
        """All of Redis, byte by byte."""
        keys = sorted(self.ask(("KEYS", "*"))[0])
        return dict(zip(keys, self.ask(*[("DUMP", key) for key in keys]), strict=True))

    def view(self) -> tuple[dict[str, Any], dict[str, dict[str, int]]]:
        """All of Redis in the model's shape, and what remains of each session's keys, in s."""
        commands: list[Command] = []
        for shard in range(SHARDS):
            stream = ShardKeys(shard).sessions(PROFILE)
            commands.append(("XRANGE", stream, "-", "+"))
            commands.append(("XPENDING", stream, GROUP_AUDIO_PIPELINE, "-", "+", 99))
        names = ("owner", "state", "results", "outbox", "audio", "record")
        for session_id in self.model.sessions:
            keys = SessionKeys(session_id, SHARDS)
            commands += [
                ("GET", keys.owner),
                ("HGETALL", keys.state),
                ("XRANGE", keys.results, "-", "+"),
                ("HGETALL", keys.outbox),
                ("XRANGE", keys.audio, "-", "+"),
                ("HGET", keys.record, "status"),
                *[("TTL", getattr(keys, name)) for name in names],
            ]
        replies = iter(self.ask(*commands))
        view: dict[str, Any] = {}
        ttls: dict[str, dict[str, int]] = {}
        for shard in range(SHARDS):
            entries, pending = next(replies), next(replies)
            rows = [] if isinstance(pending, Exception) else pending
            view[f"shard {shard}"] = {
                "entries": {entry_id.decode(): subject_of(flat) for entry_id, flat in entries},
                "pending": {row[0].decode(): (row[1].decode(), row[3], row[2] >= LEASE_MS) for row in rows},
            }
        for session_id in self.model.sessions:
            owner, state, results, outbox, audio, status = (next(replies) for _ in range(6))
            view[session_id] = {
                "owner": owner,
                "state": pairs(state),
                "results": [
                    (int(entry_id.split(b"-")[0]), pairs(flat)[b"t"].decode(), pairs(flat)[b"d"])
                    for entry_id, flat in results
                ],
                "outbox": {int(offset): data for offset, data in pairs(outbox).items()},
                "audio": [int(entry_id.split(b"-")[1]) for entry_id, _ in audio],
                "status": status,
            }
            ttls[session_id] = {name: next(replies) for name in names}
        return view, ttls


def pairs(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def subject_of(flat: Sequence[bytes]) -> str:
    return Envelope.from_fields(pairs(flat)).subject


def batch_of(step: Step) -> ResultBatch:
    return ResultBatch(
        events=[ResultEvent(*event) for event in step.events],
        state={StateField.STATE: step.state},
        trim_before=f"1-{step.trim_seq}" if step.trim_seq else "",
        superseded=step.superseded,
        progressed=step.progressed,
    )


def checkpoint_of(lease: SessionLease) -> bytes:
    """What the lease's next step will be called."""
    return f"{lease.token}.{lease.steps + 1}".encode()


# --- the tests -------------------------------------------------------------------------------------------


def running(binary: Path | None = None) -> Iterator[str]:
    server = EmbeddedRedis(binary=binary)
    asyncio.run(server.start())
    yield server.url
    asyncio.run(server.close())


@pytest.fixture(scope="module")
def own_redis() -> Iterator[str]:
    """URL of a Redis of this module."""
    yield from running()


@pytest.fixture(scope="module", params=["oldest", "newest"])
def other_redis(request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of the oldest and of the newest Redis that is supported."""
    yield from running(server_binary(request.param))


PROVE = settings(
    max_examples=50,
    stateful_step_count=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def test_lease_and_fence_hold(own_redis: str) -> None:
    run_machine(lambda: LeaseMachine(own_redis), settings=PROVE)


def test_lease_and_fence_hold_on_other_servers(other_redis: str) -> None:
    run_machine(lambda: LeaseMachine(other_redis), settings=settings(PROVE, max_examples=10))


@pytest.fixture
def world(own_redis: str) -> Iterator[LeaseMachine]:
    """The machine, driven by hand."""
    machine = LeaseMachine(own_redis)
    machine.open("s0")
    machine.start(0, room=1)  # makes the groups
    machine.start(0, room=1)
    yield machine
    machine.teardown()


def publish_by_hand(world: LeaseMachine, text: str) -> None:
    """The newest owner publishes one final."""
    holding = world.holdings[-1]
    batch = ResultBatch(events=[ResultEvent("transcript.final", text.encode(), to_outbox=True)])
    world.run(holding.worker.leases.publish(holding.lease, batch))


def take_over_by_hand(world: LeaseMachine) -> None:
    """Another worker owns the session."""
    world.expire(*world.pending()[0])
    (heir,) = world.claim_for(world.workers[1], 1)
    world.run(heir.worker.leases.activate(heir.lease))


def finals_of(world: LeaseMachine) -> list[bytes]:
    rows = world.ask(("XRANGE", SessionKeys("s0", SHARDS).results, "-", "+"))[0]
    return [pairs(flat)[b"d"] for _, flat in rows]


def lose_the_state(world: LeaseMachine) -> None:
    world.ask(("DEL", SessionKeys("s0", SHARDS).state))
    world.model.sessions["s0"].lose("state")


def test_a_session_that_lost_its_state_alone_goes_on(world: LeaseMachine) -> None:
    publish_by_hand(world, "one")
    lose_the_state(world)
    take_over_by_hand(world)
    publish_by_hand(world, "two")
    assert finals_of(world) == [b"one", b"two"]


def test_no_two_owners_name_their_steps_alike(world: LeaseMachine) -> None:
    lose_the_state(world)
    publish_by_hand(world, "one")  # builds on no checkpoint, and so is accepted
    take_over_by_hand(world)
    publish_by_hand(world, "two")
    assert finals_of(world) == [b"one", b"two"]


BREAK = settings(
    PROVE, max_examples=2_000, derandomize=True, phases=[Phase.generate], report_multiple_bugs=False
)


@dataclass(frozen=True)
class Sabotage:
    """A script with a part of it replaced."""

    script: str
    part: str
    by: str = ""
    seed: int | None = None
    """Where the search begins, if it takes long from where it begins by itself."""

    def apply(self, patch: pytest.MonkeyPatch) -> None:
        source = getattr(session_lease, self.script).source
        assert source.count(self.part) == 1, "the script has changed, and the sabotage must follow it"
        broken = source.replace(self.part, self.by)
        sha = hashlib.sha1(broken.encode(), usedforsecurity=False).hexdigest()
        patch.setattr(session_lease, self.script, Script(broken, sha))


OWNER_CHECK = "redis.call('GET', KEYS[1]) ~= ARGV[1]"
SABOTAGES = {
    "publish without the fence": Sabotage("_PUBLISH", OWNER_CHECK, "false"),
    "publish on any checkpoint": Sabotage("_PUBLISH", "checkpoint ~= ARGV[2]", "false"),
    "a repeated step is done again": Sabotage("_PUBLISH", "checkpoint == ARGV[3]", "false"),
    "superseded before the fence": Sabotage(
        "_PUBLISH", "local checkpoint =", "redis.call('XDEL', KEYS[3], '1-0')\nlocal checkpoint ="
    ),
    "audio trimmed by length": Sabotage("_PUBLISH", "'MINID', ARGV[5]", "'MAXLEN', 1"),
    "partials kept in the outbox": Sabotage("_PUBLISH", "ARGV[i + 2] == '1'", "true"),
    "end without the fence": Sabotage("_CLOSE", OWNER_CHECK, "false"),
    "the end keeps results for ever": Sabotage(
        "_CLOSE", "{ KEYS[2], KEYS[3], KEYS[6] }", "{ KEYS[2], KEYS[6] }"
    ),
    "the end keeps the lease": Sabotage("_CLOSE", "redis.call('XACK', KEYS[7], ARGV[2], ARGV[3])"),
    "activation without the lease": Sabotage("_ACTIVATE", "pending[1][2] ~= ARGV[3]", "false", seed=4),
    "activation keeps the old owner": Sabotage("_ACTIVATE", "ARGV[1])", "ARGV[1], 'NX')"),
    "renew by plain XCLAIM": Sabotage("_RENEW", "pending[1] and pending[1][2] == ARGV[2]", "true"),
    "progress does not count": Sabotage("_RENEW", "ARGV[i + 1] == '1'", "false", seed=4),
    "hand over what is not mine": Sabotage("_HAND_OVER", "pending[1][2] ~= ARGV[2]", "false"),
}


@pytest.mark.timeout(300)  # a search of seconds, where nothing else runs
@pytest.mark.parametrize("sabotage", SABOTAGES.values(), ids=SABOTAGES.keys())
def test_the_machine_finds_what_is_broken(
    own_redis: str, monkeypatch: pytest.MonkeyPatch, sabotage: Sabotage
) -> None:
    def machine() -> LeaseMachine:
        return LeaseMachine(own_redis)

    sabotage.apply(monkeypatch)
    if sabotage.seed is not None:
        machine = seed(sabotage.seed)(machine)
    with pytest.raises(AssertionError):
        run_machine(machine, settings=BREAK)
