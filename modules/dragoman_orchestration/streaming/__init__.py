"""Streaming recognition, pure: no loop, no clock, no Redis, no HTTP.

The data's path: :mod:`detectors` (samples → speech probability) → :mod:`gate` (→ utterance boundaries) →
:mod:`recogniser` (utterances → decode requests, hypotheses → captions) with :mod:`agreement`,
:mod:`guards`, :mod:`language` and :mod:`policy` as its rules.
"""
