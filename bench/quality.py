"""bench-quality: what live captions cost against the same model and audio without hurry.

Streams the reference speech in real time, four sessions at once, through the whole system on the small real
model.

- ``offline_wer``: the model over the same files by faster-whisper's ``BatchedInferencePipeline``, Silero
  voice activity, ``chunk_length=8``; ``streaming_wer``: the finals at the client. In percent, case and
  punctuation aside.
- ``first_partial_ms``: from a word's end in the audio (the reference's, where the transcript has the same
  word) to the first caption that shows it in its place. ``final_ms``: from the end of an utterance's last
  word to its final.
- ``erasure``: words shown and taken back again, per word of the finals (Arivazhagan et al. 2020,
  https://arxiv.org/abs/1912.03393).
- ``real_sessions_held``: the most sessions streaming the meeting at once that all ended, their last final
  included, within 1 s of the end of the audio.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import jiwer
import numpy as np
from faster_whisper import BatchedInferencePipeline, WhisperModel
from faster_whisper.audio import decode_audio

from bench.harness import (
    AUDIO,
    MODEL,
    Figures,
    Live,
    api_client,
    create_session,
    parser,
    percentile,
    run,
    say,
    speak_live,
    stack,
    to_frames,
)
from dragoman_contracts.websocket import TranscriptFinal, TranscriptPartial, parse_server_message
from dragoman_orchestration.cli.stack import RunningStack

LAG_LIMIT_MS = 1_000
GAP_MS = 1_000
_LANES = (
    ("meeting_en_two_voices", "es_"),
    ("long_en_heldout_voice",),
    ("en_",),
    ("long_en_meeting_noise_gaps",),
)


@dataclass(slots=True)
class Program:
    """One session's speech with its reference: words with their ends in ms of the session's audio.

    Where the reference gives times of segments only, the last word of each has one and the others have none.
    """

    language: str
    files: list[str] = field(default_factory=list)
    parts: list[np.ndarray] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    words: list[tuple[str, float | None]] = field(default_factory=list)
    length_ms: int = 0

    def add(self, reference: dict[str, Any], samples: np.ndarray) -> None:
        """Append a file and a second of silence."""
        gap = np.zeros(16 * GAP_MS, dtype=np.float32)
        for word, end_s in timed_words(reference):
            self.words.append((word, None if end_s is None else self.length_ms + end_s * 1000))
        self.text.append(reference["text"])
        self.files.append(reference["file"])
        self.parts += [samples, gap]
        self.length_ms += len(samples) // 16 + GAP_MS


def timed_words(reference: dict[str, Any]) -> Iterator[tuple[str, float | None]]:
    """The words of a file with their ends in seconds, as far as they are known."""
    for word in reference.get("words", ()):
        yield word["word"], word["end"]
    if "words" not in reference:
        for segment in reference["segments"]:
            *others, last = segment["text"].split()
            yield from ((word, None) for word in others)
            yield last, segment["end"]


def normal(text: str) -> str:
    """Lower case, words only."""
    return " ".join(re.findall(r"[\w']+", text.lower()))


def references() -> list[dict[str, Any]]:
    """The reference speech that the small model can read."""
    lines = [json.loads(line) for line in (AUDIO / "refs.jsonl").read_text().splitlines()]
    return [line for line in lines if line["text"] and line["file"] != "human_jfk.flac"]


def lanes() -> list[list[Program]]:
    """What the four sessions at once stream, one program after the other."""
    result = []
    for prefixes in _LANES:
        programs = []
        for prefix in prefixes:
            chosen = [line for line in references() if line["file"].startswith(prefix)]
            program = Program(chosen[0]["language"])
            for line in chosen:
                program.add(line, decode_audio(str(AUDIO / line["file"])))
            programs.append(program)
        result.append(programs)
    return result


@dataclass(slots=True)
class Captions:
    """What a viewer saw of one session: each segment's versions with their arrival in ms of audio time."""

    segments: dict[str, list[tuple[float, list[str]]]] = field(default_factory=dict)
    finals: list[tuple[float, TranscriptFinal]] = field(default_factory=list)

    @classmethod
    def of(cls, live: Live) -> Captions:
        """Read a session's messages."""
        captions = cls()
        for arrival, data in live.messages:
            message = parse_server_message(data)
            if not isinstance(message, TranscriptPartial | TranscriptFinal):
                continue
            at_ms = live.audio_clock(arrival)
            captions.segments.setdefault(message.segment_id, []).append((at_ms, normal(message.text).split()))
            if isinstance(message, TranscriptFinal):
                captions.finals.append((at_ms, message))
        return captions

    @property
    def text(self) -> str:
        """The transcript."""
        return " ".join(final.text for _, final in self.finals)

    def erased(self) -> int:
        """Words that were shown and taken back."""
        count = 0
        for versions in self.segments.values():
            for (_, before), (_, after) in itertools.pairwise(versions):
                kept = 0
                while kept < min(len(before), len(after)) and before[kept] == after[kept]:
                    kept += 1
                count += len(before) - kept
        return count

    def first_shown_ms(self) -> list[tuple[str, float, float]]:
        """For each final word in order: the word, when it was first shown in its place, when it was final."""
        shown = []
        for final_ms, final in self.finals:
            versions = self.segments[final.segment_id]
            for place, word in enumerate(normal(final.text).split()):
                first = next(at for at, words in versions if len(words) > place and words[place] == word)
                shown.append((word, first, final_ms))
        return shown


def latencies(program: Program, captions: Captions) -> tuple[list[float], list[float]]:
    """First-partial latency of each word and final latency of each utterance, from the reference's ends."""
    reference = [(part, end) for word, end in program.words for part in normal(word).split()]
    shown = captions.first_shown_ms()
    alignment = jiwer.process_words(
        " ".join(word for word, _ in reference), " ".join(word for word, _, _ in shown)
    ).alignments[0]
    partials: list[float] = []
    last_of_final: dict[float, float] = {}
    for chunk in alignment:
        if chunk.type != "equal":
            continue
        for offset in range(chunk.ref_end_idx - chunk.ref_start_idx):
            end_ms = reference[chunk.ref_start_idx + offset][1]
            _, first_ms, final_ms = shown[chunk.hyp_start_idx + offset]
            if end_ms is not None:
                partials.append(first_ms - end_ms)
                last_of_final[final_ms] = end_ms
    return partials, [final_ms - end_ms for final_ms, end_ms in last_of_final.items()]


def offline_errors(programs: Sequence[Program]) -> tuple[int, int]:
    """Word errors and words of the same model over the same files, without streaming."""
    pipeline = BatchedInferencePipeline(
        WhisperModel(str(MODEL), device="cpu", compute_type="int8", cpu_threads=1)
    )
    errors = words = 0
    for program in programs:
        for name, text in zip(program.files, program.text, strict=True):
            segments, _ = pipeline.transcribe(
                str(AUDIO / name), language=program.language, chunk_length=8, vad_filter=True
            )
            more, count = word_errors(text, " ".join(segment.text for segment in segments))
            errors, words = errors + more, words + count
    return errors, words


def word_errors(reference: str, hypothesis: str) -> tuple[int, int]:
    """Word errors, and words of the reference."""
    found = jiwer.process_words(normal(reference), normal(hypothesis))
    return found.substitutions + found.insertions + found.deletions, len(normal(reference).split())


async def stream_lane(running: RunningStack, http: httpx.AsyncClient, lane: list[Program]) -> list[Live]:
    """Stream a lane's programs one after the other."""
    lives = []
    for program in lane:
        session_id = await create_session(http, language=program.language)
        lives.append(await speak_live(running, session_id, to_frames(np.concatenate(program.parts))))
    return lives


async def hold(running: RunningStack, http: httpx.AsyncClient, sessions: int) -> float:
    """Stream the meeting in ``sessions`` sessions at once; the longest lag at the end in ms."""
    frames = to_frames(decode_audio(str(AUDIO / "meeting_en_two_voices.wav")))
    ids = [await create_session(http, language="en") for _ in range(sessions)]
    lives = await asyncio.gather(
        *(
            speak_live(running, session_id, frames, count=300, delay_s=3 * i / sessions, keep=lambda _: False)
            for i, session_id in enumerate(ids)
        )
    )
    return max((live.ended - live.end_sent) * 1000 if live.ended else float("inf") for live in lives)


async def measure(first: int, step: int, last: int) -> Figures:
    """Quality and latency with four sessions, then how many sessions hold."""
    all_lanes = lanes()
    programs = [program for lane in all_lanes for program in lane]
    say("offline reference")
    offline = offline_errors(programs)
    async with stack("cpu", DRAGOMAN_AUDIO_MAX_SESSIONS=str(last)) as running, api_client(running) as http:
        say(f"{len(all_lanes)} sessions in real time, {max(p.length_ms for p in programs) // 1000} s")
        lives = await asyncio.gather(*(stream_lane(running, http, lane) for lane in all_lanes))
        figures = summarise(programs, [live for lane in lives for live in lane])
        held = 0
        for sessions in range(first, last + 1, step):
            lag = await hold(running, http, sessions)
            say(f"{sessions} real sessions: lag at the end {lag:.0f} ms")
            if lag > LAG_LIMIT_MS:
                break
            held = sessions
    return {
        "offline_wer": round(100 * offline[0] / offline[1], 2),
        **figures,
        "sessions": len(all_lanes),
        "real_sessions_held": held,
    }


def summarise(programs: Sequence[Program], lives: Sequence[Live]) -> Figures:
    """The figures of the four sessions."""
    errors = words = erased = shown = 0
    partials: list[float] = []
    finals: list[float] = []
    for program, live in zip(programs, lives, strict=True):
        captions = Captions.of(live)
        more, count = word_errors(" ".join(program.text), captions.text)
        errors, words = errors + more, words + count
        erased, shown = erased + captions.erased(), shown + len(captions.text.split())
        first, last = latencies(program, captions)
        partials, finals = partials + first, finals + last
    return {
        "streaming_wer": round(100 * errors / words, 2),
        "first_partial_ms_p50": percentile(partials, 50),
        "first_partial_ms_p95": percentile(partials, 95),
        "final_ms_p50": percentile(finals, 50),
        "final_ms_p95": percentile(finals, 95),
        "erasure": round(erased / shown, 3),
        "words": words,
    }


if __name__ == "__main__":
    arguments = parser("Quality and latency of live captions on the small real model.")
    arguments.add_argument("--first", type=int, default=12)
    arguments.add_argument("--step", type=int, default=4)
    arguments.add_argument("--last", type=int, default=60)
    given = arguments.parse_args()
    run("quality", lambda: measure(given.first, given.step, given.last), as_json=given.json)
