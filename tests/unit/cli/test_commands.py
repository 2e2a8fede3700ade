"""The commands without the system behind them: help, errors, settings, what they start."""

from __future__ import annotations

import asyncio
import importlib
import io
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from dragoman_contracts.errors import DragomanError, NotFound
from dragoman_contracts.translation_api import LanguagePair
from dragoman_orchestration.cli import app as app_module
from dragoman_orchestration.cli import checkout, doctor, doctor_engines
from dragoman_orchestration.cli.doctor import run_doctor
from dragoman_orchestration.cli.env_template import SETTINGS_MODULES
from dragoman_orchestration.cli.findings import Finding, Verdict
from dragoman_orchestration.cli.lifecycle import run_command
from dragoman_orchestration.cli.stack import (
    Ports,
    PortTaken,
    RunningStack,
    StackConfig,
    children,
    first_key,
    held_ports,
)
from dragoman_orchestration.cli.up import known_pairs, page_address, stack_config, tell_pairs, tell_ready
from dragoman_runtime.settings import SettingsInvalid, all_settings, env_variables

HEAVY = {"fastapi", "uvicorn", "redis", "numpy", "av", "faster_whisper", "ctranslate2", "pydantic", "httpx"}


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """``dragoman`` in this process; its exit code."""
    monkeypatch.setattr(sys, "argv", ["dragoman", *arguments])
    try:
        app_module.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_the_help_needs_nothing_heavy() -> None:
    code = "import sys, dragoman_orchestration.cli; print(*{m.split('.')[0] for m in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(loaded.stdout.split())


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["up"], ["demo"], ["doctor"], ["bench"], ["config", "template"], ["config", "bootstrap"], ["api"],
        ["schema"], ["schema", "openapi"], ["schema", "websocket"], ["worker", "audio"], ["whisper"],
        ["translation"], ["transcribe"], ["dead-letters"],
        *(["dead-letters", command] for command in ("list", "show", "retry", "drop")),
    ],
)  # fmt: skip
def test_every_command_explains_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run_main(monkeypatch, *arguments, "--help") == 0
    assert "Usage:" in capsys.readouterr().out


class TestErrors:
    def failing(self, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
        def fail() -> None:
            raise error

        monkeypatch.setattr(app_module, "app", fail)
        return run_main(monkeypatch)

    def test_an_error_is_its_cause_and_its_remedy(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.failing(monkeypatch, NotFound("it is not there", remedy="look elsewhere")) == 1
        seen = capsys.readouterr()
        assert seen.out == ""
        assert seen.err.splitlines() == ["dragoman: it is not there", "  look elsewhere"]

    def test_a_missing_library_names_the_extra(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.failing(monkeypatch, ModuleNotFoundError("x", name="faster_whisper")) == 1
        assert "lacks faster_whisper" in capsys.readouterr().err

    def test_a_missing_part_of_our_own_is_a_bug_and_stays_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ModuleNotFoundError):
            self.failing(monkeypatch, ModuleNotFoundError("x", name="dragoman_orchestration.nowhere"))

    def test_an_interrupt_is_130(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.failing(monkeypatch, KeyboardInterrupt()) == 130

    def test_a_pipe_that_was_closed_is_no_traceback(self) -> None:
        code = (
            "import sys; from dragoman_orchestration.cli import app as a\n"
            "def much():\n"
            "    for _ in range(100000): print('x' * 100)\n"
            "a.app = much\na.main()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.wait(30) == 1
            assert process.stderr.read() == ""


PORTS = Ports(api=1234, audio=1235, whisper=1236, translation=1237, config=1238, bots=1239, monitoring=1240)


class TestStack:
    def test_children_get_variables_that_exist(self) -> None:
        for module in SETTINGS_MODULES:
            importlib.import_module(module)
        known = {variable.name for cls in all_settings() for variable in env_variables(cls)}
        config = StackConfig("mock", model="m", translate_model="en-es=t", operations=True)
        specs = children(config, "unix:///x", "k", PORTS)
        assert len(specs) == 7
        for spec in specs:
            assert set(spec.environment) <= known, spec.name

    def test_they_find_one_another(self) -> None:
        specs = children(StackConfig("mock"), "unix:///x", "local:k", PORTS)
        api, audio, whisper, translation = specs
        address = f"http://127.0.0.1:{whisper.environment['DRAGOMAN_WHISPER_PORT']}"
        assert audio.environment["DRAGOMAN_AUDIO_WHISPER_URL"] == address
        assert api.environment["DRAGOMAN_API_WHISPER_URL"] == address
        assert whisper.ready_url == f"{address}/ready"
        translator = f"http://127.0.0.1:{translation.environment['DRAGOMAN_TRANSLATION_PORT']}"
        assert audio.environment["DRAGOMAN_AUDIO_TRANSLATION_URL"] == translator
        assert api.environment["DRAGOMAN_API_TRANSLATION_URL"] == translator
        assert translation.ready_url == f"{translator}/ready"
        assert api.ready_url == "http://127.0.0.1:1234/ready"
        assert {spec.environment["DRAGOMAN_REDIS_URL"] for spec in specs} == {"unix:///x"}
        profile = "mock"
        assert api.environment["DRAGOMAN_API_DEFAULT_PROFILE"] == profile
        assert audio.environment["DRAGOMAN_AUDIO_PROFILE"] == profile
        assert whisper.environment["DRAGOMAN_WHISPER_PROFILE"] == profile
        assert translation.environment["DRAGOMAN_TRANSLATION_PROFILE"] == profile
        assert "DRAGOMAN_WHISPER_MODEL" not in whisper.environment, "the settings choose"
        assert "DRAGOMAN_TRANSLATION_MODELS" not in translation.environment, "the settings choose"

    @pytest.mark.parametrize(("profile", "engines_of"), [("mock", "cpu"), ("cpu", "cpu"), ("gpu", "gpu")])
    def test_a_translation_model_that_is_named_is_used(self, profile: str, engines_of: str) -> None:
        config = StackConfig(profile, translate_model="en-es=folder")
        environment = children(config, "unix:///x", "k", PORTS)[-1].environment
        assert environment["DRAGOMAN_TRANSLATION_MODELS"] == "en-es=folder"
        assert environment["DRAGOMAN_TRANSLATION_PROFILE"] == engines_of

    def test_a_worker_that_drains_still_has_its_services(self) -> None:
        specs = children(StackConfig("mock", operations=True), "unix:///x", "k", PORTS)
        order = {spec.name: spec.stop_order for spec in specs}
        assert order["bots"] < order["api"] < order["audio"] < order["whisper"] == order["translation"]
        assert order["audio"] == order["config"] == order["monitoring"]

    def test_a_wrong_translation_model_is_told_before_anything_starts(self) -> None:
        with pytest.raises(SettingsInvalid, match="DRAGOMAN_TRANSLATION_MODELS"):
            stack_config(profile="mock", translate_model="nonsense")

    def test_what_is_translated_is_one_line(self) -> None:
        def pair(source: str, target: str) -> LanguagePair:
            return LanguagePair(source=source, target=target, engines=["e"])

        assert tell_pairs([pair("en", "es"), pair("*", "de")]) == "It translates en→es, any→de."
        assert tell_pairs([pair("en", f"x{n}") for n in range(9)]).endswith("en→x5 and 3 more pairs.")
        assert "--translate-model en-es=FOLDER" in tell_pairs([])

    async def test_a_translation_service_that_is_gone_translates_nothing(self, free_port: int) -> None:
        assert await known_pairs(f"http://127.0.0.1:{free_port}") == []

    def test_the_key_is_not_an_argument(self) -> None:
        for spec in children(StackConfig("mock"), "unix:///x", "local:secret-key", PORTS):
            assert "secret-key" not in " ".join(spec.command)

    def test_an_api_on_all_addresses_is_asked_on_loopback(self) -> None:
        api = children(StackConfig("mock", host="0.0.0.0"), "unix:///x", "k", PORTS)[0]
        assert api.ready_url.startswith("http://127.0.0.1:")
        assert api.environment["DRAGOMAN_API_HOST"] == "0.0.0.0"

    @pytest.mark.parametrize(
        ("keys", "first"), [("k", "k"), ("name:k", "k"), ("a:x,b:y", "x"), (" a:x ", "x")]
    )
    def test_the_first_key(self, keys: str, first: str) -> None:
        assert first_key(keys) == first

    def test_a_taken_port_is_told(self) -> None:
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            pytest.raises(PortTaken, match="cannot listen"),
        ):
            held_ports(StackConfig("mock", port=server.getsockname()[1])).__enter__()

    def test_options_count_before_settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DRAGOMAN_API_PORT", "7001")
        monkeypatch.setenv("DRAGOMAN_API_KEYS", "me:mine")
        monkeypatch.setenv("DRAGOMAN_WHISPER_PROFILE", "mock")
        config = stack_config(profile=None)
        assert (config.profile, config.port, config.api_keys) == ("mock", 7001, "me:mine")
        config = stack_config(profile="cpu", port=0, host="127.0.0.2")
        assert (config.profile, config.port, config.host) == ("cpu", 0, "127.0.0.2")


class TestPage:
    def test_the_secret_of_viewers_tokens_is_made_for_the_run_and_stays_the_same_in_it(self) -> None:
        config = StackConfig("mock")
        one, again = (children(config, "unix:///x", "k", PORTS)[0].environment for _ in range(2))
        name = "DRAGOMAN_API_VIEWER_TOKEN_SECRET"
        assert len(one[name]) >= 32
        assert one[name] == again[name]
        assert one[name] != StackConfig("mock").viewer_token_secret
        assert one[name] not in repr(config)

    def test_a_secret_of_the_settings_is_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DRAGOMAN_API_VIEWER_TOKEN_SECRET", "mine")
        assert stack_config(profile="mock").viewer_token_secret == "mine"

    def test_its_address_has_a_new_key_where_no_browser_sends_it(self) -> None:
        assert page_address("http://127.0.0.1:8080", "abc-_9") == "http://127.0.0.1:8080/#key=abc-_9"
        assert page_address("http://127.0.0.1:8080", None) == "http://127.0.0.1:8080/"

    def test_the_address_is_told_first_and_a_key_of_the_settings_never(self) -> None:
        told = self.told(key_is_new=True)
        assert told[0] == "Open http://127.0.0.1:1/#key=new-key"
        assert "secret" not in "".join(told)
        told = self.told(key_is_new=False)
        assert told[0] == "Open http://127.0.0.1:1/"
        assert "new-key" not in "".join(told)

    def test_a_page_that_is_turned_off_is_not_told_of(self) -> None:
        assert not any(line.startswith("Open") for line in self.told(key_is_new=True, page=False))

    def told(self, *, key_is_new: bool, page: bool = True) -> list[str]:
        console = Console(file=io.StringIO(), highlight=False, soft_wrap=True)
        stack = RunningStack("http://127.0.0.1:1", "http://127.0.0.1:2", "new-key", key_is_new, None)  # type: ignore[arg-type]
        tell_ready(console, StackConfig("mock", viewer_token_secret="secret", page=page), stack, [])
        assert isinstance(console.file, io.StringIO)
        return [line for line in console.file.getvalue().splitlines() if line]


class TestLifecycle:
    def test_the_outcome_is_the_exit_code(self) -> None:
        async def main() -> int:
            return 7

        assert run_command(main) == 7

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_a_signal_lets_the_command_clean_up(self, number: signal.Signals) -> None:
        cleaned = []

        async def main() -> int:
            asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                cleaned.append(True)
            return 0

        assert run_command(main) == 128 + number
        assert cleaned

    def test_an_error_goes_through(self) -> None:
        async def main() -> int:
            raise DragomanError("no")

        with pytest.raises(DragomanError):
            run_command(main)

    def test_a_cancellation_of_its_own_is_no_signal(self) -> None:
        async def main() -> int:
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            run_command(main)


class TestDoctor:
    def test_what_is_missing_fails_with_its_remedy(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def broken() -> Finding:
            raise NotFound("there is none", remedy="get one")

        monkeypatch.setattr(doctor, "CHECKS", (doctor.check_python, broken))
        assert run_doctor() == 1
        out = capsys.readouterr().out
        assert "ok      python" in out
        assert "missing broken" in out
        assert "→ get one" in out
        assert "Missing: broken." in out

    def test_a_library_that_is_missing_does_not_end_the_examination(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setitem(sys.modules, "faster_whisper.utils", None)
        monkeypatch.setenv("DRAGOMAN_WHISPER_MODEL", "tiny")
        monkeypatch.setattr(doctor, "CHECKS", (doctor.check_model, doctor.check_cores))
        assert run_doctor() == 0
        out = capsys.readouterr().out
        assert "cannot be told without faster_whisper" in out
        assert "cores" in out

    def test_a_note_is_no_failure(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(doctor, "CHECKS", (lambda: Finding("gpu", Verdict.NOTE, "none"),))
        assert run_doctor() == 0
        assert "Everything that is needed is here" in capsys.readouterr().out

    def test_every_check_runs_here(self) -> None:
        for check in doctor.CHECKS:
            assert doctor._guarded(check).found

    def test_a_redis_that_does_not_answer(self, monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
        monkeypatch.setenv("DRAGOMAN_REDIS_URL", f"redis://user:hidden@127.0.0.1:{free_port}/0")
        finding = doctor.check_redis()
        assert finding.verdict is Verdict.MISSING
        assert "hidden" not in finding.found + finding.remedy

    def test_a_redis_that_answers(self, monkeypatch: pytest.MonkeyPatch, redis_server: str) -> None:
        monkeypatch.setenv("DRAGOMAN_REDIS_URL", redis_server)
        finding = doctor.check_redis()
        assert finding.verdict is Verdict.OK, finding

    def test_no_redis_server_at_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from dragoman_runtime import embedded_redis

        monkeypatch.setenv("PATH", "")
        monkeypatch.setattr(embedded_redis, "wheel_binary", lambda: None)
        finding = doctor._guarded(doctor.check_redis)
        assert finding.verdict is Verdict.MISSING
        assert "redis-server" in finding.remedy

    @pytest.mark.parametrize(
        ("profile", "model", "verdict"),
        [
            ("mock", "x", Verdict.OK),
            ("cpu", "/no/such/folder", Verdict.MISSING),
            ("cpu", "tiny", Verdict.NOTE),
        ],
    )
    def test_the_model(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str, model: str, verdict: Verdict
    ) -> None:
        monkeypatch.setenv("DRAGOMAN_WHISPER_PROFILE", profile)
        monkeypatch.setenv("DRAGOMAN_WHISPER_MODEL", model)
        monkeypatch.setenv("DRAGOMAN_WHISPER_DOWNLOAD_DIR", str(tmp_path))
        assert doctor.check_model().verdict is verdict

    def test_the_small_model_is_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DRAGOMAN_WHISPER_MODEL", str(checkout.small_model()))
        assert doctor.check_model().verdict is Verdict.OK

    @pytest.mark.parametrize(
        ("settings", "verdict", "found"),
        [
            ({"PROFILE": "mock"}, Verdict.OK, "mock"),
            ({"MODELS": "en-es=/no/such/folder"}, Verdict.MISSING, "no model.bin in /no/such/folder"),
            ({"MODELS": "en-es=owner/name"}, Verdict.OK, "ctranslate2: en-es"),
            ({"APERTIUM_URL": "http://127.0.0.1:2737"}, Verdict.OK, "apertium at http://127.0.0.1:2737"),
            ({"ENGINES": "openai_chat"}, Verdict.NOTE, "no endpoint"),
            (
                {"ENGINES": "openai_chat", "OPENAI_URL": "http://127.0.0.1:11434/v1"},
                Verdict.OK,
                "openai_chat at http://127.0.0.1:11434/v1",
            ),
            ({"APERTIUM_COMMAND": "no-such-command"}, Verdict.NOTE, "apertium is not installed"),
        ],
    )
    def test_the_translators(
        self, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], verdict: Verdict, found: str
    ) -> None:
        for name, value in settings.items():
            monkeypatch.setenv(f"DRAGOMAN_TRANSLATION_{name}", value)
        finding = doctor_engines.check_translation()
        assert finding.verdict is verdict, finding
        assert found in finding.found
        assert (finding.remedy != "") == (verdict is not Verdict.OK)

    @pytest.mark.parametrize(
        ("listed", "verdict"), [("echo eng-spa; echo spa-eng", Verdict.OK), ("true", Verdict.NOTE)]
    )
    def test_apertium_without_a_pair_translates_nothing(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, listed: str, verdict: Verdict
    ) -> None:
        command = tmp_path / "apertium"
        command.write_text(f"#!/bin/sh\n{listed}\n")
        command.chmod(0o700)
        monkeypatch.setenv("DRAGOMAN_TRANSLATION_APERTIUM_COMMAND", str(command))
        finding = doctor_engines.check_translation()
        assert finding.verdict is verdict
        assert ("eng-spa, spa-eng" in finding.found) == (verdict is Verdict.OK)


class TestCheckout:
    def test_a_recording_with_its_reference(self) -> None:
        found = checkout.recording("meeting_en_two_voices.wav")
        assert found.text.startswith("Good morning Anna")
        assert found.language == "en"
        assert found.duration_s == pytest.approx(49.2, abs=0.1)
        assert " ".join(sentence.text for sentence in found.sentences) == found.text
        ends = [0, *(sentence.end_ms for sentence in found.sentences)]
        assert all(s.end_ms > s.start_ms >= end for s, end in zip(found.sentences, ends, strict=False))

    def test_a_recording_of_one_sentence_has_one(self) -> None:
        found = checkout.recording("en_seen_05.wav")
        assert [sentence.text for sentence in found.sentences] == [found.text]

    def test_the_corpus_reads_both_ways(self) -> None:
        spanish = checkout.known_translations("en", "es")
        english = checkout.known_translations("es", "en")
        assert spanish["Good morning Anna how are you?"] == "Buenos días Anna ¿cómo estás?"
        assert english["Buenos días Anna ¿cómo estás?"] == "Good morning Anna how are you?"

    def test_an_installed_wheel_says_where_to_get_it(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(checkout, "ROOT", tmp_path)
        for call in (
            checkout.small_model,
            lambda: checkout.small_translation_model("en", "es"),
            lambda: checkout.recording("x.wav"),
            lambda: checkout.run_bench("bus", []),
        ):
            with pytest.raises(NotFound) as told:
                call()
            assert "./justw demo" in told.value.remedy

    def test_a_benchmark_becomes_its_own_process(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "bench").mkdir()
        (tmp_path / "bench" / "bus.py").touch()
        called: list[Any] = []
        monkeypatch.setattr(checkout, "ROOT", tmp_path)
        monkeypatch.chdir(Path.cwd())  # put back afterwards
        monkeypatch.setattr(checkout.os, "execv", lambda *arguments: called.append(arguments))
        checkout.run_bench("bus", ["--json"])
        assert called == [(sys.executable, [sys.executable, "-m", "bench.bus", "--json"])]
        assert Path.cwd() == tmp_path

    def test_an_unknown_benchmark_names_the_known_ones(self) -> None:
        with pytest.raises(NotFound) as told:
            checkout.run_bench("nothing", [])
        assert "quality, overhead, sessions, bus, translation" in told.value.remedy
