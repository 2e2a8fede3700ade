"""A runner that plays: what it does is the path of the URL that its bot is sent to. Talks to a real API.

Run as a program: ``python fake_runner.py``. It writes one line a start to the file of ``DRAGOMAN_LOG_PLAY``,
so that a test can count who was started and who is there.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

EVERY_S = 0.1
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


class Runner:
    """One runner, from its environment."""

    def __init__(self) -> None:
        self.task = json.loads(os.environ["DRAGOMAN_BOT_TASK"])
        self.api = os.environ["DRAGOMAN_BOT_API_URL"]
        self.token = os.environ["DRAGOMAN_BOT_TOKEN"]
        self.generation = int(self.task["generation"])
        self.play = urlsplit(self.task["request"]["url"]).path.strip("/")
        self.seq = 0
        self.audio_ms = 0
        self.stopped = False
        self.deaf = False
        self.peak = 0.5
        self.unheard_since: float | None = None

    def report(self, state: str, **more: Any) -> None:
        """Post one report and hear the orders; whoever is fenced leaves at once."""
        self.seq += 1
        body = {"generation": self.generation, "seq": self.seq, "state": state, "audio_ms": self.audio_ms}
        request = urllib.request.Request(
            f"{self.api}/v1/bots/{self.task['bot_id']}/reports",
            data=json.dumps(body | {"peak": self.peak if self.audio_ms else 0.0} | more).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=3) as answer:
                orders = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            if error.code in {401, 403, 404, 409}:
                print(f"leaves: {error.code}", flush=True)
                sys.exit(3)
            self._unheard()
            return
        except OSError:
            self._unheard()
            return
        self.unheard_since = None
        self.stopped |= orders["stop"] and not self.deaf

    def _unheard(self) -> None:
        self.unheard_since = self.unheard_since or time.monotonic()
        if time.monotonic() - self.unheard_since > 10:
            sys.exit(4)

    def stay(self, state: str, *, until_s: float = 60.0) -> None:
        """Be in a state until told to leave."""
        deadline = time.monotonic() + until_s
        while not self.stopped and time.monotonic() < deadline:
            if state == "active":
                self.audio_ms += int(EVERY_S * 1000)
            self.report(state)
            time.sleep(EVERY_S)

    def leave(self, completion: str = "stopped") -> None:
        self.report("leaving")
        self.report("done", completion=completion)

    def speak(self) -> None:
        """Some real audio into the session, and its end."""
        from websockets.sync.client import connect

        url = f"ws{self.api.removeprefix('http')}/v1/sessions/{self.task['session_id']}/audio"
        with connect(url, additional_headers={"Authorization": f"Bearer {self.token}"}) as socket:
            socket.send(json.dumps({"type": "session.configure", "audio": {}}))
            socket.recv()
            socket.send(b"\x01\x00" * 16_000)
            while json.loads(socket.recv())["type"] != "audio.ack":
                pass
            socket.send(json.dumps({"type": "session.end"}))
            with contextlib.suppress(Exception):
                while True:
                    socket.recv(timeout=0.3)

    def run(self) -> None:
        first, _, rest = self.play.partition("/")
        # "crash-once/stay": another play for the first runner than for those that follow it.
        play = first if self.generation == 1 or not rest else rest
        getattr(self, play.replace("-", "_"))()

    # --- plays ---------------------------------------------------------------------------------------------

    def meeting(self) -> None:
        self.report("joining")
        self.report("awaiting_admission")
        self.stay("active")
        self.leave()

    def media(self) -> None:
        self.report("joining")
        self.report("active")
        self.speak()
        self.audio_ms = 1000
        self.leave("media_ended")

    def wait(self) -> None:
        self.report("joining")
        self.stay("awaiting_admission")
        self.leave()

    def help(self) -> None:
        self.report("joining")
        self.stay("needs_help")
        self.leave()

    def dawdle(self) -> None:
        self.stay("starting")
        self.leave()

    def join(self) -> None:
        self.stay("joining")
        self.leave()

    def crash_joining(self) -> None:
        self.report("joining")
        os._exit(7)

    def crash_active(self) -> None:
        self.report("joining")
        self.report("active")
        time.sleep(0.3)
        os._exit(7)

    def refused(self) -> None:
        self.report("joining")
        self.report(
            "failed",
            stage="admission",
            cause={"code": "refused", "message": "", "transient": False},
            screenshot=base64.b64encode(PNG).decode(),
        )

    def shaky(self) -> None:
        self.report("failed", stage="join", cause={"code": "page_crashed", "transient": True})

    def hang(self) -> None:
        """Alive, and says nothing any more."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.report("joining")
        self.report("active")
        time.sleep(60)

    def mute(self) -> None:
        time.sleep(60)

    def stubborn(self) -> None:
        """Neither orders nor signals reach it."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.deaf = True
        self.report("joining")
        self.stay("active")

    def silent(self) -> None:
        self.peak = 0.0
        self.report("joining")
        self.stay("active", until_s=1.5)
        self.peak = 0.5
        self.stay("active")
        self.leave()

    def wordless(self) -> None:
        self.report("joining")
        self.stay("active")
        self.leave()

    def chatty(self) -> None:
        """Writes secrets that must not get into a log."""
        print(f"token {self.token} url {self.task['request']['url']} end", flush=True)
        self.meeting()


if __name__ == "__main__":
    if play_log := os.environ.get("DRAGOMAN_LOG_PLAY"):
        with open(play_log, "a") as file:
            file.write(f"{os.getpid()} {json.loads(os.environ['DRAGOMAN_BOT_TASK'])['bot_id']}\n")
    runner = Runner()
    signal.signal(signal.SIGTERM, lambda *_: setattr(runner, "stopped", True))
    runner.run()
