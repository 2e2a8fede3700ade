"""Whisper on CTranslate2: faster-whisper's model and tokenizer, with a window path of its own.

Whisper hears 30 s at a time and pads what is shorter. CTranslate2's encoder takes any length, and its cost
grows faster than the length (whisper-micro, one thread: 5 s 5 ms, 15 s 27 ms, 30 s 163 ms), so a window is
padded with a second of silence only, as far as the next step of frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from dragoman_contracts.whisper_api import WindowResult
from dragoman_whisper.config import DecodeConfig
from dragoman_whisper.engines import guards
from dragoman_whisper.engines.base import Progress, Samples, Span, Window
from dragoman_whisper.engines.languages import WHISPER_LANGUAGES
from dragoman_whisper.engines.mel import log_mel
from dragoman_whisper.engines.whisper_encoder import Encoded, Encoder, encoder_frames
from dragoman_whisper.engines.whisper_job import MAX_TOKENS, Job, context_tokens, prefix_tokens
from dragoman_whisper.engines.whisper_model import load_model
from dragoman_whisper.engines.word_times import AlignedWord, audible_frames, place, spread
from dragoman_whisper.settings import WhisperSettings

_FALLBACK_TEMPERATURES = (0.4, 0.8)
_BEST_OF = 5
_PREPENDED = "\"'“¿([{-"
_APPENDED = "\"'.。,，!！?？:：”)]}、"


class FasterWhisperEngine:
    """One WhisperModel; all calls but ``load`` and ``close`` may come from several threads."""

    name = "faster_whisper"

    def __init__(self, settings: WhisperSettings) -> None:
        self.model = settings.model_name
        self.languages: frozenset[str] = frozenset()
        self._settings = settings
        self._config = settings.decode_config()
        self._whisper: Any = None
        self._encoder: Any = None
        self._tokenizers: dict[tuple[str, str], Any] = {}
        self._suppressed: list[int] = []

    def load(self, progress: Progress) -> None:
        """Find, fetch and read the model.

        Raises:
            ModelUnavailable: it cannot be had; the remedy is named.

        """
        whisper = load_model(self._settings, progress)
        from faster_whisper.transcribe import get_suppressed_tokens  # noqa: PLC0415  # takes half a second

        self._whisper, self._encoder = whisper, Encoder(whisper)
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
            self._whisper = self._encoder = None

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

    def _decode_group(self, jobs: list[Job]) -> None:
        encoded = self._encoder.encode(jobs)
        self._choose_tokenizers(jobs, encoded.whole)
        options = jobs[0].window.options
        beam = self._config.fast_beam_size if options.fast else self._config.beam_size
        self._generate(jobs, encoded.whole, beam=beam, temperature=jobs[0].window.temperature)
        if not options.fast:
            for index, job in enumerate(jobs):
                if self._deserves_another_try(job):
                    self._try_again(job, self._encoder.row(encoded, index, job))
        for job in jobs:
            self._guard(job)
        self._time_words(jobs, encoded)

    def _prepare(self, window: Window) -> Job:
        tokenizer = self._tokenizer("en", "transcribe")
        frames = encoder_frames(len(window.pcm), self._settings)
        return Job(
            window,
            log_mel(window.samples(), self._whisper.feature_extractor.mel_filters, frames),
            context_tokens(window.options, tokenizer),
            prefix_tokens(window.options, tokenizer),
        )

    def _choose_tokenizers(self, jobs: list[Job], encoded: Any) -> None:
        detected: Any = None
        for index, job in enumerate(jobs):
            language = job.window.options.language
            if language is None and self._whisper.model.is_multilingual:
                detected = detected or self._whisper.model.detect_language(encoded)
                token, probability = detected[index][0]
                language, job.language_probability = token[2:-2], float(probability)
            job.tokenizer = self._tokenizer(language or "en", job.window.options.task)

    def _generate(self, jobs: list[Job], encoded: Any, *, beam: int, temperature: float) -> None:
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
            max_length=min(MAX_TOKENS, limit),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=self._suppressed,
            **search,
        )
        for job, result in zip(jobs, results, strict=True):
            job.tokens = [token for token in result.sequences_ids[0] if token < job.tokenizer.eot]
            job.no_speech = float(result.no_speech_prob)
            job.log_probability = guards.average_log_probability(
                result.scores[0], len(result.sequences_ids[0])
            )
            job.ratio = guards.compression_ratio(job.tokenizer.decode(job.tokens).strip())

    def _deserves_another_try(self, job: Job) -> bool:
        """Whether a hypothesis is unsure or loops; silence is not asked again."""
        unsure = guards.is_unsure(job.log_probability, job.ratio, self._config)
        return unsure and not guards.is_no_speech(job.no_speech, job.log_probability, self._config)

    def _try_again(self, job: Job, encoded: Any) -> None:
        """Sample with rising temperature until the text is sure, and keep the best."""
        for temperature in _FALLBACK_TEMPERATURES[: self._config.temperature_fallbacks]:
            before = job.hypothesis
            self._generate([job], encoded, beam=1, temperature=temperature)
            if _is_better(before, job.hypothesis, self._config):
                job.hypothesis = before
            if not self._deserves_another_try(job):
                return

    def _guard(self, job: Job) -> None:
        if guards.is_no_speech(job.no_speech, job.log_probability, self._config):
            job.tokens = []
        job.tokens = job.tokens[: guards.looped_at(job.tokens, self._config.max_repeats)]

    # --- words -------------------------------------------------------------------------------------------

    def _time_words(self, jobs: list[Job], encoded: Encoded) -> None:
        timed = [job for job in jobs if job.tokens and job.window.options.word_timestamps]
        if timed and encoded.rows is None and len({id(job.tokenizer) for job in jobs}) == 1:
            self._align(jobs, encoded.whole)
        else:
            for index, job in enumerate(jobs):
                if job in timed:
                    self._align([job], self._encoder.row(encoded, index, job))
        for job in jobs:
            if job.tokens and job not in timed:
                texts = [word["word"] for word in _merged(_split(job)) if word["word"]]
                job.words = spread(texts, job.duration_ms, float(np.exp(min(0.0, job.log_probability))))

    def _align(self, jobs: list[Job], encoded: Any) -> None:
        """Times for the words of windows in one language."""
        tokens, frames = [job.tokens for job in jobs], [job.content_frames for job in jobs]
        alignments = self._whisper.find_alignment(jobs[0].tokenizer, tokens, encoded, frames)
        for job, alignment in zip(jobs, alignments, strict=True):
            words = [
                AlignedWord(
                    word["word"], float(word["start"]), float(word["end"]), float(word["probability"])
                )
                for word in _merged(alignment)
                if word["word"]
            ]
            job.words = place(words, audible_frames(job.mel, job.content_frames))

    def _tokenizer(self, language: str, task: str) -> Any:
        key = (language, task)
        if key not in self._tokenizers:
            from faster_whisper.tokenizer import Tokenizer  # noqa: PLC0415

            multilingual = self._whisper.model.is_multilingual
            self._tokenizers[key] = Tokenizer(
                self._whisper.hf_tokenizer, multilingual, task=task, language=language
            )
        return self._tokenizers[key]

    def _result(self, job: Job) -> WindowResult:
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


def _is_better(
    one: tuple[list[int], float, float], other: tuple[list[int], float, float], config: DecodeConfig
) -> bool:
    """Whether the one hypothesis beats the other: no loop first, then surer; the one wins a draw."""
    loops, other_loops = (ratio > config.compression_ratio_threshold for _, _, ratio in (one, other))
    return one[1] >= other[1] if loops == other_loops else other_loops


def _split(job: Job) -> list[dict[str, Any]]:
    texts, tokens = job.tokenizer.split_to_word_tokens(job.tokens)
    return [{"word": text, "tokens": ids} for text, ids in zip(texts, tokens, strict=True)]


def _merged(words: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Punctuation joined to its word."""
    from faster_whisper.transcribe import merge_punctuations  # noqa: PLC0415

    merge_punctuations(words, _PREPENDED, _APPENDED)
    return words
