"""The command line: ``dragoman up | transcribe | demo | doctor | api | worker | whisper | …``.

The launcher of every process, and a client of the API like any other. Heavy parts are imported by the command
that needs them, so that ``dragoman --help`` answers at once and each image runs with its own extra only.
"""

from dragoman_orchestration.cli.app import main

__all__ = ["main"]
