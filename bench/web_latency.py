"""bench-web-latency: from a word that is spoken to the first frame of the browser that shows it.

Chromium's microphone plays reference speech with known word times into the live page of a real system with
the small recogniser; the page captures it, sends it, and paints captions.

- ``painted_ms``: from the end of a word in the audio to the first painted frame with that word in its place.
- ``final_painted_ms``: the same for an utterance's last word and its final.
- ``told_ms``: from a word's end to the message that has it first; the rest of ``painted_ms`` is the page's.
- ``words``, ``words_painted``: of the reference, and of them those that the page has shown.

The clock of the audio is that of the page: what it sent is found again in what was played, and the moment of
a sample is the earliest that its frame, and all later ones, allow. It leaves out the time from the device to
the audio thread of the browser, to which a sound card adds.
"""

from __future__ import annotations

import asyncio
import base64
import tempfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
from faster_whisper.audio import decode_audio
from numpy.typing import NDArray
from playwright.async_api import Page, async_playwright
from tests.meeting import BROWSER_FLAGS, chromium_or_skip

from bench.harness import AUDIO, RATE_HZ, Figures, parser, percentile, run, say, stack
from bench.quality import Program, normal, references
from dragoman_orchestration.cli.stack import RunningStack

PREFIXES = ("en_seen_", "en_heldout_")
LEAD_MS = 2_000
_RAW = {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False, "deviceId": ""}
_CHOICES = {"language": "en", "microphone": _RAW}

# Notes what is sent, told and painted, each with its time, without being part of the page.
_WATCH = """
(() => {
  const seen = { sent: [], told: [], painted: [] };
  window.seen = seen;
  const Real = window.WebSocket;
  window.WebSocket = class extends Real {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        const at = performance.now();
        const { type, segment_id, text } = JSON.parse(data);
        if (type.startsWith("transcript.")) seen.told.push([at, segment_id, text]);
      });
    }
    send(data) {
      if (typeof data !== "string") {
        const bytes = new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength);
        seen.sent.push([performance.now(), btoa(String.fromCharCode(...bytes))]);
      }
      super.send(data);
    }
  };
  const ids = new WeakMap();
  let rows = 0;
  const note = () => {
    // The task after a frame's callbacks runs when that frame has been painted.
    const channel = new MessageChannel();
    const shown = [...document.querySelectorAll("section ol > li")].map((row) => {
      if (!ids.has(row)) ids.set(row, ++rows);
      return [ids.get(row), "final" in row.dataset, row.querySelector("p")?.textContent ?? ""];
    });
    channel.port1.onmessage = () => seen.painted.push([performance.now(), shown]);
    channel.port2.postMessage(null);
  };
  let due = false;
  const changed = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => { due = false; note(); });
  };
  addEventListener("DOMContentLoaded", () =>
    new MutationObserver(changed).observe(document.body, {
      subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["data-final"],
    }));
})();
"""


@dataclass(slots=True)
class Seen:
    """Versions of each row or segment with their times in ms of the page's clock, in order."""

    versions: dict[Any, list[tuple[float, list[str]]]]
    final_ms: dict[Any, float]

    @classmethod
    def painted(cls, frames: Sequence[Any]) -> Seen:
        """From what each frame showed."""
        seen = cls({}, {})
        for at_ms, rows in frames:
            for row, is_final, text in rows:
                words = normal(text).split()
                versions = seen.versions.setdefault(row, [])
                if not versions or versions[-1][1] != words:
                    versions.append((at_ms, words))
                if is_final:
                    seen.final_ms.setdefault(row, at_ms)
        return seen

    @classmethod
    def told(cls, messages: Sequence[Any]) -> Seen:
        """From what the socket brought."""
        seen = cls({}, {})
        for at_ms, segment_id, text in messages:
            seen.versions.setdefault(segment_id, []).append((at_ms, normal(text).split()))
            seen.final_ms[segment_id] = at_ms
        return seen

    def words(self) -> list[tuple[str, float, float]]:
        """Each word of the finals in order, when it was first seen in its place, and when it was final."""
        found = []
        for row, versions in self.versions.items():
            if row not in self.final_ms:
                continue
            for place, word in enumerate(versions[-1][1]):
                first = next(at for at, words in versions if len(words) > place and words[place] == word)
                found.append((word, first, self.final_ms[row]))
        return found


def program() -> Program:
    """Short sentences by voices that the model knows and does not know, with the times of their words."""
    result = Program("en")
    for line in references():
        if line["file"].startswith(PREFIXES):
            result.add(line, decode_audio(str(AUDIO / line["file"])))
    return result


def write_speech(path: Path, speech: Program) -> NDArray[np.float32]:
    """The microphone's WAV: a lead of silence, then the program; returns its samples."""
    lead = np.zeros(LEAD_MS * RATE_HZ // 1000, dtype=np.float32)
    samples = np.concatenate([lead, *speech.parts])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return samples


def played_at_ms(sent: Sequence[Any], samples: NDArray[np.float32]) -> float:
    """When the first sample of ``samples`` was played, in ms of the page's clock."""
    starts, pieces, count = [], [], 0
    for at_ms, text in sent:
        piece = np.frombuffer(base64.b64decode(text), dtype="<i2")
        pieces.append(piece)
        count += len(piece)
        starts.append(at_ms - count * 1000 / RATE_HZ)
    heard = np.concatenate(pieces).astype(np.float32)
    size = 1 << (len(heard) + len(samples)).bit_length()
    match = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(samples, size)), size)
    shift = int(np.argmax(match))
    shift = shift - size if shift > size // 2 else shift
    # No frame is sent before its last sample was heard: the earliest of all is nearest to the truth.
    return float(min(starts) + shift * 1000 / RATE_HZ)


def delays(speech: Program, seen: Seen, zero_ms: float) -> tuple[list[float], list[float]]:
    """From each word's end to when it was seen first, and from each utterance's last word to its final."""
    reference = [
        (part, LEAD_MS + end)
        for word, end in speech.words
        if end is not None
        for part in normal(word).split()
    ]
    found = seen.words()
    alignment = jiwer.process_words(
        " ".join(word for word, _ in reference), " ".join(word for word, _, _ in found)
    ).alignments[0]
    first, last = [], {}
    for chunk in alignment:
        if chunk.type != "equal":
            continue
        for offset in range(chunk.ref_end_idx - chunk.ref_start_idx):
            end_ms = zero_ms + reference[chunk.ref_start_idx + offset][1]
            _, first_ms, final_ms = found[chunk.hyp_start_idx + offset]
            first.append(first_ms - end_ms)
            last[final_ms] = final_ms - end_ms
    return first, list(last.values())


async def speak(running: RunningStack, speech: Path, length_ms: int) -> Any:
    """Play the WAV into the live page; what the page sent, was told and painted."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_or_skip(),
            args=["--no-sandbox", *BROWSER_FLAGS, f"--use-file-for-fake-audio-capture={speech}%noloop"],
        )
        page = await browser.new_page(viewport={"width": 1366, "height": 768}, locale="en-GB")
        await page.goto(f"{running.url}/#key={running.key}")
        await page.evaluate(
            "chosen => localStorage.setItem('dragoman.live', JSON.stringify(chosen))", _CHOICES
        )
        await page.add_init_script(_WATCH)
        await page.reload()
        await page.get_by_role("button", name="Start", exact=True).click()
        await page.wait_for_timeout(length_ms)
        await _stop(page)
        seen = await page.evaluate("window.seen")
        await browser.close()
        return seen


async def _stop(page: Page) -> None:
    await page.get_by_role("button", name="Stop").click()
    await page.get_by_role("heading", name="Finished").wait_for()


def summary(values: Sequence[float]) -> dict[str, float]:
    """The percentiles that are told."""
    return {f"p{share}": percentile(values, share) for share in (50, 95)}


async def measure() -> Figures:
    """Start a system, speak once, and read the clocks."""
    speech = program()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        samples = await asyncio.to_thread(write_speech, path, speech)
        async with stack("cpu") as running:
            say(f"speaks {len(speech.words)} words in {speech.length_ms / 1000:.0f} s")
            seen = await speak(running, path, LEAD_MS + speech.length_ms)
    zero_ms = played_at_ms(seen["sent"], samples)
    painted, finals = delays(speech, Seen.painted(seen["painted"]), zero_ms)
    told, _ = delays(speech, Seen.told(seen["told"]), zero_ms)
    return {
        "words": len(speech.words),
        "words_painted": len(painted),
        "painted_ms": summary(painted),
        "told_ms": summary(told),
        "final_painted_ms": summary(finals),
    }


def main() -> None:
    """Print the figures."""
    arguments = parser(__doc__ or "").parse_args()
    run("web-latency", measure, as_json=arguments.json)


if __name__ == "__main__":
    main()
