"""The command line: ``dragoman up | api | worker | whisper | transcribe | demo | doctor | bench | config``.

The launcher of every process, and a client of the API like any other. Heavy parts are imported by the command
that needs them, so that ``dragoman --help`` answers at once and each image runs with its own extra only.
"""

from dragoman_orchestration.cli.app import main

__all__ = ["main"]
