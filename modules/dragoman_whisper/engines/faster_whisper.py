"""Whisper on CTranslate2: faster-whisper's model and tokenizer, with a window path of its own.

Whisper hears 30 s at a time and pads what is shorter. CTranslate2's encoder takes any length, and its cost
grows faster than the length (whisper-micro, one thread: 5 s 5 ms, 15 s 27 ms, 30 s 163 ms), so a window is
padded with a second of silence only, as far as the next step of frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragoman_contracts.audio import MODEL_RATE_HZ
from dragoman_contracts.errors import InvalidInput
from dragoman_contracts.whisper_api import WindowResult, WindowWord
from dragoman_whisper.config import DecodeConfig
from dragoman_whisper.engines import guards
from dragoman_whisper.engines.base import Progress, Samples, Span, Window
from dragoman_whisper.engines.languages import WHISPER_LANGUAGES
from dragoman_whisper.engines.mel import FRAMES_PER_S, HOP, MAX_FRAMES, log_mel
from dragoman_whisper.engines.whisper_model import load_model
from dragoman_whisper.engines.word_times import AlignedWord, audible_frames, place, spread
from dragoman_whisper.settings import WhisperSettings

_MAX_TOKENS = 448
_MAX_CONTEXT_TOKENS = 223
_MAX_PREFIX_TOKENS = 160
_FALLBACK_TEMPERATURES = (0.4, 0.8)
_BEST_OF = 5
_PREPENDED = "\"'“¿([{-"
_APPENDED = "\"'.。,，!！?？:：”)]}、"


@dataclass(slots=True, eq=False)
class _Job:
    """A window on its way through the model."""

    window: Window
    frames: int
    context: list[int]
    prefix: list[int]
    mel: NDArray[np.float32]
    tokenizer: Any = None
    language_probability: float = 1.0
    tokens: list[int] = field(default_factory=list)
    no_speech: float = 0.0
    log_probability: float = 0.0
    ratio: float = 1.0
    words: list[WindowWord] = field(default_factory=list)

    @property
    def duration_ms(self) -> int:
        return len(self.window.pcm) * 1000 // MODEL_RATE_HZ

    @property
    def group(self) -> tuple[int, bool, float, int]:
        """Windows that agree in this can be decoded in one call."""
        return self.frames, self.window.options.fast, self.window.temperature, len(self.context)

    @property
    def prompt(self) -> list[int]:
        sot = self.tokenizer.sot_sequence
        return [*self.context, *sot, self.tokenizer.no_timestamps, *self.prefix]


class FasterWhisperEngine:
    """One WhisperModel; all calls but ``load`` and ``close`` may come from several threads."""

    name = "faster_whisper"

    def __init__(self, settings: WhisperSettings) -> None:
        self.model = settings.model_name
        self.languages: frozenset[str] = frozenset()
        self._settings = settings
        self._config = settings.decode_config()
        self._whisper: Any = None
        self._tokenizers: dict[tuple[str, str], Any] = {}
        self._suppressed: list[int] = []

    def load(self, progress: Progress) -> None:
        """Find, fetch and read the model.

        Raises:
            ModelUnavailable: it cannot be had; the remedy is named.

        """
        whisper = load_model(self._settings, progress)
        from faster_whisper.transcribe import get_suppressed_tokens  # noqa: PLC0415  # takes half a second

        self._whisper = whisper
        known = {
            code for code in WHISPER_LANGUAGES if whisper.hf_tokenizer.token_to_id(f"<|{code}|>") is not None
        }
        self.languages = frozenset(known) if whisper.model.is_multilingual else frozenset({"en"})
        self._suppressed = list(get_suppressed_tokens(self._tokenizer("en", "transcribe"), [-1]))

    def tune(self, config: DecodeConfig) -> None:
        """Use these values from the next batch on."""
        self._config = config

    def close(self) -> None:
        """Free the model."""
        if self._whisper is not None:
            self._whisper.model.unload_model()
            self._whisper = None

    def speech_spans(self, samples: Samples, max_span_s: float) -> list[Span]:
        """Silero voice activity, as faster-whisper's batched pipeline uses it."""
        from faster_whisper.vad import VadOptions, get_speech_timestamps  # noqa: PLC0415

        options = VadOptions(max_speech_duration_s=max_span_s, min_silence_duration_ms=160)
        return [Span(part["start"], part["end"]) for part in get_speech_timestamps(samples, options)]

    def decode_windows(self, batch: Sequence[Window]) -> list[WindowResult]:
        """Decode windows that agree in length and kind together.

        Raises:
            InvalidInput: a prefix is longer than a window can hold.

        """
        jobs = [self._prepare(window) for window in batch]
        order = sorted(range(len(jobs)), key=lambda index: jobs[index].group)
        for _, group in groupby((jobs[index] for index in order), key=lambda job: job.group):
            audible = [job for job in group if not guards.is_silent(job.window.pcm)]
            if audible:
                self._decode_group(audible)
        return [self._result(job) for job in jobs]

    # --- one group ---------------------------------------------------------------------------------------

    def _decode_group(self, jobs: list[_Job]) -> None:
        encoded = self._encode(jobs)
        self._choose_tokenizers(jobs, encoded)
        self._generate(jobs, encoded, beam=self._beam(jobs[0]), temperature=jobs[0].window.temperature)
        if not jobs[0].window.options.fast:
            for index, job in enumerate(jobs):
                self._try_again(job, encoded, index, len(jobs))
        for job in jobs:
            self._guard(job)
        self._time_words(jobs, encoded)

    def _prepare(self, window: Window) -> _Job:
        options = window.options
        hf_tokenizer = self._tokenizer("en", "transcribe")
        prefix = hf_tokenizer.encode(" " + options.prefix.strip()) if options.prefix.strip() else []
        if len(prefix) > _MAX_PREFIX_TOKENS:
            raise InvalidInput(
                f"the prefix has {len(prefix)} tokens, more than the {_MAX_PREFIX_TOKENS} a window can hold",
                remedy="Cut the window behind the words that are committed.",
            )
        context: list[int] = []
        for text in (options.hotwords, options.prompt):
            if text.strip():
                context += hf_tokenizer.encode(" " + text.strip())
        if context:
            context = [hf_tokenizer.sot_prev, *context[-_MAX_CONTEXT_TOKENS:]]
        frames = self._frames(len(window.pcm))
        filters = self._whisper.feature_extractor.mel_filters
        return _Job(window, frames, context, prefix, log_mel(window.samples(), filters, frames))

    def _frames(self, samples: int) -> int:
        if self._settings.encoder == "full":
            return MAX_FRAMES
        needed = -(-samples // HOP) + self._settings.encoder_pad_ms * FRAMES_PER_S // 1000
        step = self._settings.encoder_step_frames
        return min(MAX_FRAMES, max(self._settings.encoder_min_frames, -(-needed // step) * step))

    def _beam(self, job: _Job) -> int:
        return self._config.fast_beam_size if job.window.options.fast else self._config.beam_size

    def _encode(self, jobs: list[_Job]) -> Any:
        """``[windows, frames / 2, d_model]``; a CPU gains nothing from encoding windows together."""
        mels = [job.mel for job in jobs]
        if len(mels) == 1 or self._whisper.model.device != "cpu":
            return self._whisper.encode(np.stack(mels))
        from ctranslate2 import StorageView  # noqa: PLC0415

        return StorageView.from_array(np.concatenate([np.asarray(self._whisper.encode(mel)) for mel in mels]))

    def _row(self, job: _Job, encoded: Any, index: int, count: int) -> Any:
        """The encoded window of one job out of its group's."""
        if count == 1:
            return encoded
        return self._whisper.encode(job.mel)

    def _choose_tokenizers(self, jobs: list[_Job], encoded: Any) -> None:
        detected: Any = None
        for index, job in enumerate(jobs):
            language = job.window.options.language
            if language is None and self._whisper.model.is_multilingual:
                detected = detected or self._whisper.model.detect_language(encoded)
                token, probability = detected[index][0]
                language, job.language_probability = token[2:-2], float(probability)
            job.tokenizer = self._tokenizer(language or "en", job.window.options.task)

    def _generate(
        self, jobs: list[_Job], encoded: Any, *, beam: int, temperature: float, no_repeat: int = 0
    ) -> None:
        prompts = [job.prompt for job in jobs]
        limit = max(map(len, prompts)) + guards.token_limit(max(job.duration_ms for job in jobs) / 1000)
        search: dict[str, Any] = {"beam_size": beam}
        if temperature > 0:
            search = {
                "beam_size": 1,
                "num_hypotheses": _BEST_OF,
                "sampling_topk": 0,
                "sampling_temperature": temperature,
            }
        results = self._whisper.model.generate(
            encoded,
            prompts,
            max_length=min(_MAX_TOKENS, limit),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=self._suppressed,
            no_repeat_ngram_size=no_repeat,
            **search,
        )
        for job, result in zip(jobs, results, strict=True):
            job.tokens = [token for token in result.sequences_ids[0] if token < job.tokenizer.eot]
            job.no_speech = float(result.no_speech_prob)
            job.log_probability = guards.average_log_probability(
                result.scores[0], len(result.sequences_ids[0])
            )
            job.ratio = guards.compression_ratio(job.tokenizer.decode(job.tokens).strip())

    def _try_again(self, job: _Job, encoded: Any, index: int, count: int) -> None:
        """Sample what is unsure or loops, and keep the best; silence is not asked again."""
        config = self._config
        for temperature in _FALLBACK_TEMPERATURES[: config.temperature_fallbacks]:
            sure = not guards.is_unsure(job.log_probability, job.ratio, config)
            if sure or guards.is_no_speech(job.no_speech, job.log_probability, config):
                return
            before = job.tokens, job.log_probability, job.ratio
            self._generate([job], self._row(job, encoded, index, count), beam=1, temperature=temperature)
            if _is_better(before[1], before[2], job, config):
                job.tokens, job.log_probability, job.ratio = before

    def _guard(self, job: _Job) -> None:
        if guards.is_no_speech(job.no_speech, job.log_probability, self._config):
            job.tokens = []
        job.tokens = job.tokens[: guards.looped_at(job.tokens, self._config.max_repeats)]

    # --- words -------------------------------------------------------------------------------------------

    def _time_words(self, jobs: list[_Job], encoded: Any) -> None:
        for index, job in enumerate(jobs):
            if not job.tokens:
                continue
            if job.window.options.word_timestamps:
                self._align(job, self._row(job, encoded, index, len(jobs)))
            else:
                texts = [word["word"] for word in _merged(_split(job)) if word["word"]]
                job.words = spread(texts, job.duration_ms, float(np.exp(min(0.0, job.log_probability))))

    def _align(self, job: _Job, encoded: Any) -> None:
        content = max(1, min(job.frames, len(job.window.pcm) // HOP))
        alignment = self._whisper.find_alignment(job.tokenizer, [job.tokens], encoded, content)[0]
        words = [
            AlignedWord(word["word"], float(word["start"]), float(word["end"]), float(word["probability"]))
            for word in _merged(alignment)
            if word["word"]
        ]
        job.words = place(words, audible_frames(job.mel, content))

    def _tokenizer(self, language: str, task: str) -> Any:
        key = (language, task)
        if key not in self._tokenizers:
            from faster_whisper.tokenizer import Tokenizer  # noqa: PLC0415

            multilingual = self._whisper.model.is_multilingual
            self._tokenizers[key] = Tokenizer(
                self._whisper.hf_tokenizer, multilingual, task=task, language=language
            )
        return self._tokenizers[key]

    def _result(self, job: _Job) -> WindowResult:
        silent = job.tokenizer is None
        language = job.window.options.language or ("" if silent else job.tokenizer.language_code)
        return WindowResult(
            language=language,
            language_probability=0.0 if silent and not language else round(job.language_probability, 4),
            text="".join(word.text for word in job.words),
            words=job.words,
            no_speech_probability=1.0 if silent else round(job.no_speech, 4),
            average_log_probability=round(job.log_probability, 4),
            compression_ratio=round(job.ratio, 3),
            engine=self.name,
            model=self.model,
        )


def _is_better(log_probability: float, ratio: float, other: _Job, config: DecodeConfig) -> bool:
    """Whether the earlier hypothesis beats the one that ``other`` holds now: no loop first, then surer."""
    loops, other_loops = (value > config.compression_ratio_threshold for value in (ratio, other.ratio))
    return log_probability >= other.log_probability if loops == other_loops else other_loops


def _split(job: _Job) -> list[dict[str, Any]]:
    texts, tokens = job.tokenizer.split_to_word_tokens(job.tokens)
    return [{"word": text, "tokens": ids} for text, ids in zip(texts, tokens, strict=True)]


def _merged(words: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Punctuation joined to its word."""
    from faster_whisper.transcribe import merge_punctuations  # noqa: PLC0415

    merge_punctuations(words, _PREPENDED, _APPENDED)
    return words
