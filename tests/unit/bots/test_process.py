"""Runners as processes of this machine: what they get, who is who, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dragoman_contracts.bots import BotRequest, RunnerTask
from dragoman_orchestration.bots.launchers import procfs
from dragoman_orchestration.bots.launchers.base import LaunchFailed, runner_env
from dragoman_orchestration.bots.launchers.lines import MAX_FILE_BYTES, RunnerLog, redact
from dragoman_orchestration.bots.launchers.process import Bounds, ProcessLauncher
from dragoman_orchestration.bots.model import Handle

Eventually = Callable[..., Awaitable[Any]]
SLEEPS = "import time; time.sleep(60)"
FAMILY = """
    import subprocess, sys, time
    child = [sys.executable, "-c", "import time; time.sleep(60)"]
    # One in the runner's own group, and one that leaves it, as a browser's helpers do.
    subprocess.Popen(child)
    subprocess.Popen(child, start_new_session=True)
    print("family", flush=True)
    time.sleep(60)
"""
BOT = os.urandom(16).hex()


def task(generation: int = 1) -> RunnerTask:
    return RunnerTask(
        bot_id=BOT,
        session_id="s",
        generation=generation,
        request=BotRequest(driver="media", url="http://u:hunter2@host/x?pwd=hush"),
        waiting_room_s=1,
        alone_s=1,
        silence_s=1,
        length_s=1,
    )


def env(generation: int = 1) -> dict[str, str]:
    return runner_env(task(generation), api_url="http://api", token=f"dragoman-bot.{BOT}.secret")


class Launchers:
    """Makes launchers of small programs and ends what they started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[ProcessLauncher] = []

    def __call__(self, program: str, **changes: Any) -> ProcessLauncher:
        command = (sys.executable, "-c", textwrap.dedent(program))
        made = ProcessLauncher(command, folder=self.folder, **changes)
        self.made.append(made)
        return made

    def other(self, of: ProcessLauncher) -> ProcessLauncher:
        """As the next worker has it: the runner is no child of its own."""
        made = ProcessLauncher(of._command, folder=self.folder)
        self.made.append(made)
        return made


@pytest.fixture
async def launchers(tmp_path: Path) -> AsyncIterator[Launchers]:
    made = Launchers(tmp_path)
    yield made
    for launcher in made.made:
        for pid, _ in launcher._children:
            os.kill(pid, signal.SIGKILL)
        for child in launcher._children.values():
            child.wait()
        await launcher.close()


def family_of(bot_id: str) -> list[int]:
    marker = bot_id.encode()
    return [
        pid
        for pid, environment in procfs.environments()
        if marker in environment and procfs.start_time(pid) is not None and pid != os.getpid()
    ]


async def test_a_runner_is_known_by_a_handle_that_is_json(launchers: Launchers) -> None:
    launcher = launchers(SLEEPS)
    handle = await launcher.launch(task(), env())
    again: Handle = msgspec.json.decode(msgspec.json.encode(handle))
    assert again == handle
    assert await launcher.is_running(again) is True
    assert await launchers.other(launcher).is_running(again) is True


async def test_a_runner_leads_a_group_of_its_own_with_its_bounds(launchers: Launchers) -> None:
    launcher = launchers(SLEEPS, bounds=Bounds(cpu_s=77, open_files=512, niceness=7))
    pid = (await launcher.launch(task(), env()))["pid"]
    assert os.getpgid(pid) == os.getsid(pid) == pid
    assert os.getpriority(os.PRIO_PROCESS, pid) >= 7
    assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (512, 512)
    assert resource.prlimit(pid, resource.RLIMIT_CPU) == (77, 77)
    assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)


async def test_a_runner_that_ended_is_seen_and_reaped(launchers: Launchers, eventually: Eventually) -> None:
    launcher = launchers("pass")
    handle = await launcher.launch(task(), env())

    async def has_ended() -> bool:
        return await launcher.is_running(handle) is False

    await eventually(has_ended)
    assert not Path(f"/proc/{handle['pid']}").exists(), "no zombie is left"
    assert await launchers.other(launcher).is_running(handle) is False


async def test_another_process_with_the_same_id_is_not_the_runner(launchers: Launchers) -> None:
    launcher = launchers(SLEEPS)
    handle = await launcher.launch(task(), env())
    stranger = handle | {"started": handle["started"] - 1, "bot_id": "f" * 32}
    other = launchers.other(launcher)
    assert await other.is_running(stranger) is False
    await other.kill(stranger)
    await other.stop(stranger)
    assert await launcher.is_running(handle) is True


@pytest.mark.parametrize("handle", [{"launcher": "kubernetes", "name": "x"}, {"launcher": "none"}])
async def test_a_runner_of_another_place_cannot_be_seen(launchers: Launchers, handle: Handle) -> None:
    assert await launchers(SLEEPS).is_running(handle) is None
    made = await launchers(SLEEPS).launch(task(), env())
    assert await launchers(SLEEPS).is_running(made | {"place": "another machine"}) is None


async def test_a_runner_is_found_by_bot_and_generation_though_no_handle_was_kept(
    launchers: Launchers,
) -> None:
    launcher = launchers(SLEEPS)
    handle = await launcher.launch(task(2), env(2))
    assert await launchers.other(launcher).find(BOT, 2) == handle
    assert await launcher.find(BOT, 1) is None
    assert await launcher.find("f" * 32, 2) is None


async def test_a_killed_runner_takes_all_that_it_started_with_it(
    launchers: Launchers, eventually: Eventually
) -> None:
    launcher = launchers(FAMILY)
    handle = await launcher.launch(task(), env())
    await eventually(lambda: len(family_of(BOT)) == 3)
    found = await launcher.find(BOT, 1)
    assert (found or {})["pid"] == handle["pid"], "the first one is the runner, not what it started"
    await launchers.other(launcher).kill(handle)
    await launcher.is_running(handle)
    await eventually(lambda: not family_of(BOT))


async def test_a_runner_that_crashed_leaves_nothing_of_what_it_started(
    launchers: Launchers, eventually: Eventually
) -> None:
    launcher = launchers(FAMILY)
    handle = await launcher.launch(task(), env())
    await eventually(lambda: len(family_of(BOT)) == 3)
    os.kill(handle["pid"], signal.SIGKILL)

    async def has_ended() -> bool:
        return await launcher.is_running(handle) is False

    await eventually(has_ended)
    await eventually(lambda: not family_of(BOT))


async def test_an_adopted_runner_that_crashed_leaves_nothing_either(
    launchers: Launchers, eventually: Eventually
) -> None:
    launcher = launchers(FAMILY)
    handle = await launcher.launch(task(), env())
    await eventually(lambda: len(family_of(BOT)) == 3)
    other = launchers.other(launcher)
    assert await other.is_running(handle) is True
    os.kill(handle["pid"], signal.SIGKILL)

    async def has_ended() -> bool:
        return await other.is_running(handle) is False

    await eventually(has_ended)
    await eventually(lambda: not family_of(BOT))


async def test_a_runner_is_asked_politely_by_sigterm(launchers: Launchers, eventually: Eventually) -> None:
    launcher = launchers("""
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: (print("leaves", flush=True), sys.exit(0)))
        print("ready", flush=True)
        time.sleep(60)
    """)
    handle = await launcher.launch(task(), env())
    log = launchers.folder / f"{BOT}.1.log"
    await eventually(lambda: "ready" in log.read_text())
    await launcher.stop(handle)
    await eventually(lambda: "leaves" in log.read_text())


async def test_a_command_that_is_not_there_fails_for_good_and_one_that_cannot_start_may_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LaunchFailed) as caught:
        await ProcessLauncher(("/no/such/program",), folder=tmp_path).launch(task(), env())
    assert not caught.value.transient

    def no_memory(*_: Any, **__: Any) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr("subprocess.Popen", no_memory)
    with pytest.raises(LaunchFailed) as caught:
        await ProcessLauncher((sys.executable,), folder=tmp_path).launch(task(), env())
    assert caught.value.transient
    assert "hunter2" not in caught.value.message


async def test_only_what_a_runner_needs_of_the_environment_is_passed_on(
    launchers: Launchers, eventually: Eventually
) -> None:
    own = {
        "PATH": "/bin",
        "DRAGOMAN_BOT_RUNNER_HEADLESS": "true",
        "DRAGOMAN_REDIS_URL": "redis://:secret@x",
        "DRAGOMAN_API_KEYS": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    handle = await launchers(SLEEPS, environment=own).launch(task(), env())
    path = Path(f"/proc/{handle['pid']}/environ")
    names = {one.partition(b"=")[0].decode() for one in path.read_bytes().split(b"\0") if one}
    assert names - {"LC_CTYPE"} == {"PATH", "DRAGOMAN_BOT_RUNNER_HEADLESS", *env()}


async def test_the_output_of_a_runner_is_logged_with_its_bot_and_its_file_removed(
    launchers: Launchers, eventually: Eventually, log_lines: list[str]
) -> None:
    launcher = launchers("""
        import os, sys
        print("joined", os.environ["DRAGOMAN_BOT_TASK"], os.environ["DRAGOMAN_BOT_TOKEN"], flush=True)
        print("trouble", file=sys.stderr)
    """)
    await launcher.launch(task(), env())
    await eventually(lambda: any("trouble" in line for line in log_lines))
    (joined,) = [line for line in log_lines if "joined" in line]
    assert BOT in joined
    for secret in ("hunter2", "hush", f"{BOT}.secret"):
        assert secret not in joined
    await eventually(lambda: not list(launchers.folder.iterdir()))


# --- lines --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("opens https://u:p@meet.example/room?pwd=x#y now", "opens https://meet.example/room now"),
        ("token dragoman-bot.0f.abc-DEF_1 end", "token dragoman-bot.… end"),
        ("rtmp://user:pw@host/app/key?x=1", "rtmp://host/app/key"),
        ("nothing secret", "nothing secret"),
    ],
)
def test_what_may_be_secret_is_left_out_of_a_line(line: str, told: str) -> None:
    assert redact(line) == told


def test_lines_are_forwarded_whole_and_once(tmp_path: Path, log_lines: list[str]) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(b"first\nsec")
    log = RunnerLog(path, "b1")
    log.forward()
    with path.open("ab") as file:
        file.write(b"ond\nthird \xff\n")
    log.forward()
    log.forward()
    told = [line.partition("runner: ")[2].split(" {")[0] for line in log_lines]
    assert told == ["first", "second", "third \ufffd"]


def test_who_takes_a_runner_over_does_not_repeat_its_lines(tmp_path: Path, log_lines: list[str]) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(b"old\n")
    log = RunnerLog(path, "b1", from_end=True)
    with path.open("ab") as file:
        file.write(b"new\n")
    log.forward()
    assert len(log_lines) == 1
    assert "new" in log_lines[0]


def test_a_runner_that_writes_without_end_does_not_fill_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    log = RunnerLog(path, "b1")
    with path.open("ab") as file:
        for _ in range(MAX_FILE_BYTES // 65_536 + 2):
            file.write(b"x" * 65_536)
            file.flush()
            log.forward()
    assert path.stat().st_size < MAX_FILE_BYTES


def test_times_of_processes_that_are_gone_are_none() -> None:
    assert procfs.start_time(os.getpid())
    assert procfs.start_time(2**22 + 1) is None
    assert procfs.place() == procfs.place()


async def test_closing_leaves_the_runners(launchers: Launchers) -> None:
    launcher = launchers(SLEEPS)
    handle = await launcher.launch(task(), env())
    await launcher.close()
    await asyncio.sleep(0)
    assert await launchers.other(launcher).is_running(handle) is True
