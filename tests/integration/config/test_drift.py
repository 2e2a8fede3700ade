"""Services that run with something else than they should, and processes that do not follow."""

from __future__ import annotations

import time

import msgspec
from fastapi import Body, FastAPI
from fastapi.responses import JSONResponse

from dragoman_contracts.config import checksum_of
from dragoman_contracts.events import ConfigDriftDetected, ConfigResyncRequested
from dragoman_contracts.fleet import ProcessReport
from dragoman_contracts.streams import PROCESSES

from .conftest import update


async def test_a_restarted_service_is_drift_told_once_and_repaired(
    whisper, translation, start_worker, bus, outcome, eventually
):
    start_worker(whisper, translation)
    await outcome(update({"whisper": {"beam_size": 3}, "translation": {"beam_size": 2}}))
    await whisper.stop()
    await whisper.start()
    await eventually(lambda: whisper.runs_with({"beam_size": 3}))
    [event] = await bus.told(ConfigDriftDetected)
    assert (event.part, event.kind) == (f"whisper 127.0.0.1:{whisper.port}", "service")
    assert (event.expected, event.found) == (checksum_of({"beam_size": 3}), checksum_of({}))
    assert not event.gave_up


async def test_what_somebody_changed_behind_our_back_is_repaired(
    whisper, start_worker, bus, outcome, eventually
):
    start_worker(whisper)
    await outcome(update({"whisper": {"beam_size": 3}}))
    for size in (5, 6):
        await whisper.put({"beam_size": size})
        await eventually(lambda: whisper.runs_with({"beam_size": 3}))
    assert [event.found for event in await bus.told(ConfigDriftDetected)] == [
        checksum_of({"beam_size": size}) for size in (5, 6)
    ]


class Stubborn:
    """A service that forgets what it is asked for, until it is told not to."""

    def __init__(self) -> None:
        self.requested = {}
        self.refuses = False
        self.puts = 0
        self.app = FastAPI()
        self.app.get("/config")(self.state)
        self.app.put("/config")(self.put)

    def state(self):
        return {"config": {}, "requested": self.requested, "checksum": checksum_of(self.requested)}

    def put(self, values: dict = Body()):  # noqa: B008
        self.puts += 1
        if self.refuses:
            return JSONResponse({"code": "invalid_input", "detail": "I will not"}, 422)
        self.requested = values
        return self.state()


async def test_a_repair_that_never_works_is_given_up_once_and_loudly(
    new_service, start_worker, bus, outcome, eventually, log_lines
):
    stubborn = Stubborn()
    service = await new_service(lambda: stubborn.app)
    start_worker(service, repair_attempts=2)
    await outcome(update({"whisper": {"beam_size": 3}}))
    stubborn.requested, stubborn.refuses = {"beam_size": 8}, True

    async def gave_up():
        return [event for event in await bus.told(ConfigDriftDetected) if event.gave_up]

    [event] = await eventually(gave_up)
    assert (event.attempts, event.reason) == (2, "I will not")
    puts = stubborn.puts
    # Many looks later it is still left alone.
    looked = time.monotonic() + 0.5
    await eventually(lambda: time.monotonic() > looked)
    assert stubborn.puts == puts
    assert len(await gave_up()) == 1
    assert len([line for line in log_lines if line.startswith("ERROR")]) == 1

    # Somebody mends it and has it pushed again.
    stubborn.refuses = False
    await bus.send(ConfigResyncRequested(reason="mended"))
    await eventually(lambda: stubborn.requested == {"beam_size": 3})


async def test_a_process_that_does_not_follow_is_told(
    whisper, start_worker, bus, broker, outcome, eventually, monkeypatch
):
    monkeypatch.setattr("dragoman_orchestration.config.process_drift.PATIENCE_S", 0.2)
    start_worker(whisper)
    await outcome(update({"whisper": {"beam_size": 3}}))

    async def event():
        report = ProcessReport(
            name="stuck",
            kind="audio",
            version="1",
            started_ms=0,
            seen_ms=time.time_ns() // 1_000_000,
            config_version=0,
            config_checksum="old",
            config_error="version 1 cannot be applied",
        )
        await broker.ask([("HSET", PROCESSES, report.name, msgspec.json.encode(report))])
        # With so little patience the others' reports, which come once a second, may be late as well.
        return [one for one in await bus.told(ConfigDriftDetected) if one.part == "audio stuck"]

    [drift] = await eventually(event)
    assert drift.kind == "process"
    assert drift.reason == "version 1 cannot be applied"
    assert drift.expected.startswith("1:")
