"""A bots worker as a process, for tests that kill it; it plays by the rules of those in the test itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from dragoman_orchestration.workers.bot_lifecycle import run_bots_worker
from dragoman_orchestration.workers.bot_settings import BotsWorkerSettings
from dragoman_runtime.process import Drain, run_process
from dragoman_runtime.settings import RuntimeSettings
from tests.integration.bots.conftest import PATIENCE, QuickLauncher


async def main(drain: Drain) -> None:
    await run_bots_worker(
        BotsWorkerSettings(),
        RuntimeSettings(),
        drain,
        launcher=QuickLauncher(Path(os.environ["PLAY_FOLDER"])),
        patience=PATIENCE,
    )


if __name__ == "__main__":
    sys.exit(run_process(main, service="bots-worker"))
