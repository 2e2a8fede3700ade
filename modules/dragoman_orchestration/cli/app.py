"""The commands and their options; what they do is in the modules beside this one."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dragoman_contracts.errors import DragomanError

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="dragoman",
    help="Live transcription and translation: audio in over WebSocket, captions out, on Redis Streams.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
worker_app = typer.Typer(no_args_is_help=True, help="Run one worker process.")
dead_letters_app = typer.Typer(no_args_is_help=True, help="What could not be handled: look, retry, drop.")
config_app = typer.Typer(no_args_is_help=True, help="Settings: their template and the local file.")
schema_app = typer.Typer(no_args_is_help=True, help="The API's documents as JSON, to generate clients from.")
app.add_typer(worker_app, name="worker", rich_help_panel="One process each")
app.add_typer(config_app, name="config", rich_help_panel="On this machine")
app.add_typer(schema_app, name="schema", rich_help_panel="Use a server")
app.add_typer(dead_letters_app, name="dead-letters", rich_help_panel="Run an installation")

LOCAL = "On this machine"
PROCESS = "One process each"
CLIENT = "Use a server"


class Profile(StrEnum):
    """Where the recogniser runs."""

    mock = "mock"
    cpu = "cpu"
    gpu = "gpu"


ProfileOption = Annotated[
    Profile | None,
    typer.Option(help="mock: no model, deterministic words; cpu; gpu (CUDA).", show_default="cpu"),
]
ModelOption = Annotated[
    str | None,
    typer.Option(help="Whisper model: a folder in CTranslate2 format, or a hub name such as small."),
]
TranslateModelOption = Annotated[
    str | None,
    typer.Option(
        help="Translation models (CTranslate2): en-es=FOLDER,es-en=FOLDER; a hub name will do.",
        metavar="PAIR=FOLDER",
    ),
]


@app.command(rich_help_panel=LOCAL)
def up(  # noqa: PLR0917  # Typer makes options of parameters
    profile: ProfileOption = None,
    port: Annotated[
        int | None, typer.Option(help="Port of the API; 0 takes a free one.", min=0, max=65535)
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address that the API listens on.")] = None,
    model: ModelOption = None,
    translate_model: TranslateModelOption = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Keep Redis' data here; without it nothing survives the end.")
    ] = None,
) -> None:
    """Start everything on this machine: Redis, API, audio worker, whisper, translation. Ctrl-C ends it."""
    from dragoman_orchestration.cli.up import run_up, stack_config

    _exit(
        run_up(
            stack_config(
                profile=profile, port=port, host=host, model=model, translate_model=translate_model,
                data_dir=data_dir, operations=True,
            )
        )
    )  # fmt: skip


@app.command(rich_help_panel=LOCAL)
def demo(
    speed: Annotated[
        float, typer.Option(help="1 is real time; latencies are told for this speed.", min=0.1, max=20)
    ] = 1.0,
    model: ModelOption = None,
    file: Annotated[
        str, typer.Option(help="Another recording of tests/fixtures/audio that has a reference.")
    ] = "meeting_en_two_voices.wav",
    json: Annotated[
        bool, typer.Option("--json", help="Print the figures as JSON; all else goes to standard error.")
    ] = False,
) -> None:
    """Stream a recorded meeting through the whole system, translated live, with quality and latencies."""
    from dragoman_orchestration.cli.demo import run_demo

    _exit(run_demo(file=file, speed=speed, model=model, json=json))


@app.command(rich_help_panel=LOCAL)
def doctor() -> None:
    """Say what is missing on this machine, and how to get it."""
    from dragoman_orchestration.cli.doctor import run_doctor

    _exit(run_doctor())


@app.command(
    rich_help_panel=LOCAL, context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)
def bench(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="quality, overhead, sessions, bus, translation or config.")],
) -> None:
    """Run a benchmark of the source checkout; further options go to it."""
    from dragoman_orchestration.cli.checkout import run_bench

    _exit(run_bench(name, context.args))


DeadLetterIds = Annotated[list[str], typer.Argument(help="Ids as the list tells them.", metavar="ID...")]
StreamOption = Annotated[str, typer.Option(help="The stream that it came from, where two have the same id.")]


@dead_letters_app.command("list")
def dead_letters_list(
    json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """List all dead letters of the Redis that DRAGOMAN_REDIS_URL names, the oldest first."""
    from dragoman_orchestration.cli.dead_letters import run_list

    _exit(run_list(json=json))


@dead_letters_app.command("show")
def dead_letters_show(
    entry_id: Annotated[str, typer.Argument(help="Id as the list tells it.", metavar="ID")],
    stream: StreamOption = "",
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show one dead letter, without audio and transcript."""
    from dragoman_orchestration.cli.dead_letters import run_show

    _exit(run_show(entry_id, stream=stream, json=json))


@dead_letters_app.command("retry")
def dead_letters_retry(entry_ids: DeadLetterIds, stream: StreamOption = "") -> None:
    """Put dead letters back: an event on its stream; a session goes on from its checkpoint, to its end."""
    from dragoman_orchestration.cli.dead_letters import run_retry

    _exit(run_retry(entry_ids, stream=stream))


@dead_letters_app.command("drop")
def dead_letters_drop(
    entry_ids: DeadLetterIds,
    stream: StreamOption = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Forget dead letters, and with a session the audio that is kept for a retry."""
    from dragoman_orchestration.cli.dead_letters import run_drop

    _exit(run_drop(entry_ids, stream=stream, yes=yes))


@config_app.command("template")
def config_template() -> None:
    """Print env.template: every setting with its meaning, unit and default."""
    from dragoman_orchestration.cli.env_template import render_template

    typer.echo(render_template(), nl=False)


@config_app.command("bootstrap")
def config_bootstrap(
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing .env.local.")] = False,
) -> None:
    """Make .env.local in this folder, with every setting commented out at its default."""
    from dragoman_orchestration.cli.env_template import bootstrap

    typer.echo(bootstrap(Path(".env.local"), force=force))


@schema_app.command("openapi")
def schema_openapi() -> None:
    """Print the OpenAPI document of the REST routes."""
    from dragoman_orchestration.cli.schema import openapi_document, render

    typer.echo(render(openapi_document()), nl=False)


@schema_app.command("websocket")
def schema_websocket() -> None:
    """Print a JSON Schema of all WebSocket messages, with the close codes."""
    from dragoman_orchestration.cli.schema import render, websocket_document

    typer.echo(render(websocket_document()), nl=False)


@app.command(rich_help_panel=PROCESS)
def api() -> None:
    """Run the API (REST and WebSockets)."""
    from dragoman_orchestration.cli.processes import run_api

    _exit(run_api())


@worker_app.command("audio")
def worker_audio() -> None:
    """Run an audio worker: leases sessions, recognises, publishes captions."""
    from dragoman_orchestration.cli.processes import run_audio_worker_process

    _exit(run_audio_worker_process())


@worker_app.command("config")
def worker_config() -> None:
    """Run a config worker: decides changes of the runtime configuration, and keeps all services at it."""
    from dragoman_orchestration.cli.processes import run_config_worker_process

    _exit(run_config_worker_process())


@worker_app.command("bots")
def worker_bots() -> None:
    """Run a bots worker: starts, watches and ends the runners of bots; delivers webhooks."""
    from dragoman_orchestration.cli.processes import run_bots_worker_process

    _exit(run_bots_worker_process())


@worker_app.command("monitoring")
def worker_monitoring() -> None:
    """Run a monitoring worker: looks at everything, tells anomalies, alerts, counts usage."""
    from dragoman_orchestration.cli.processes import run_monitoring_worker_process

    _exit(run_monitoring_worker_process())


@app.command("bot-runner", rich_help_panel=PROCESS)
def bot_runner() -> None:
    """Run one bot; started by a bots worker, with the bot's task and token in the environment."""
    from dragoman_bots.runner import main as run_bot

    _exit(run_bot())


@app.command(rich_help_panel=PROCESS)
def whisper() -> None:
    """Run the whisper service."""
    from dragoman_orchestration.cli.processes import run_whisper

    _exit(run_whisper())


@app.command(rich_help_panel=PROCESS)
def translation() -> None:
    """Run the translation service."""
    from dragoman_orchestration.cli.processes import run_translation

    _exit(run_translation())


@app.command(rich_help_panel=CLIENT)
def transcribe(  # noqa: PLR0917  # Typer makes options of parameters
    file: Annotated[str, typer.Argument(help="Any audio or video file, or - for standard input.")],
    server: Annotated[
        str | None,
        typer.Option(help="API to use (DRAGOMAN_CLIENT_SERVER); without one, everything is started here."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="API key; better given as DRAGOMAN_CLIENT_KEY, which no process list shows."),
    ] = None,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Send no faster than the recording plays.")
    ] = False,
    language: Annotated[str | None, typer.Option(help="Language (ISO 639-1); detected if not given.")] = None,
    translate: Annotated[
        str | None,
        typer.Option(help="Languages to translate into (BCP 47), as in es,de.", metavar="LANGUAGES"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the protocol's events, one a line.")] = False,
    srt: Annotated[
        Path | None, typer.Option(help="Write SubRip subtitles here; translated ones go to NAME.es.srt.")
    ] = None,
    vtt: Annotated[
        Path | None, typer.Option(help="Write WebVTT subtitles here; translated ones go to NAME.es.vtt.")
    ] = None,
    profile: ProfileOption = None,
    model: ModelOption = None,
    translate_model: TranslateModelOption = None,
) -> None:
    """Transcribe a recording or a live stream, and translate it, with captions as they come."""
    from dragoman_orchestration.cli.transcribe import TranscribeRequest, run_transcribe
    from dragoman_orchestration.cli.translations import parse_targets

    _exit(
        run_transcribe(
            TranscribeRequest(
                file=file, server=server, key=key, realtime=realtime, language=language,
                targets=parse_targets(translate) if translate is not None else (), json=json,
                srt=srt, vtt=vtt, profile=profile, model=model, translate_model=translate_model,
            )
        )
    )  # fmt: skip


@app.command(rich_help_panel=CLIENT)
def top(  # noqa: PLR0917  # Typer makes options of parameters
    server: Annotated[
        str | None, typer.Option(help="API to ask (DRAGOMAN_CLIENT_SERVER).", show_default=False)
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="API key; better given as DRAGOMAN_CLIENT_KEY, which no process list shows."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Print one look and end.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the overview as JSON and end.")] = False,
    svg: Annotated[Path | None, typer.Option(help="Write one look as an SVG picture here and end.")] = None,
    interval: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.2, max=60)] = 1.0,
) -> None:
    """Show the whole installation live: workers, sessions, streams, bots, anomalies."""
    from dragoman_orchestration.cli.top import run_top

    picture = str(svg) if svg else None
    _exit(run_top(server=server, key=key, once=once, json=json, svg=picture, interval_s=interval))


def main() -> None:
    """Entry point: an error is one clear line with its remedy, never a traceback."""
    _end_with_supervisor()
    try:
        app()
    except DragomanError as error:
        _tell(error.message, error.remedy)
        sys.exit(EXIT_FAILED)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("dragoman_orchestration"):
            raise
        _tell(
            f"this installation lacks {error.name}",
            "Install what this command needs, for instance: pip install 'dragoman[local]'",
        )
        sys.exit(EXIT_FAILED)
    except BrokenPipeError:
        # The reader of a pipe has gone; nothing more can be told, and Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


def _end_with_supervisor() -> None:
    """A child of ``dragoman up`` ties its life to it before anything else."""
    supervisor = os.environ.pop("DRAGOMAN_SUPERVISOR_PID", "")
    if supervisor:
        from dragoman_runtime.lifeline import die_with_parent

        die_with_parent(int(supervisor))
        # The runners of bots are no children of the supervisor, and end with it all the same.
        os.environ["DRAGOMAN_BOT_RUNNER_ENDS_WITH_PID"] = supervisor


def _tell(message: str, remedy: str) -> None:
    typer.secho(f"dragoman: {message}", fg="red", err=True)
    typer.secho(f"  {remedy}", err=True)


def _exit(code: int) -> None:
    if code:
        raise typer.Exit(code)
