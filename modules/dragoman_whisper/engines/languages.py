"""Language codes of multilingual Whisper models (ISO 639-1, a few of 639-3).

Source: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision", and the tokenizer
of the published models. Kept here so that the mock engine knows them without the real engine's libraries.
"""

from __future__ import annotations

_CODES = """
af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu
hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt
ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh
"""
WHISPER_LANGUAGES = frozenset(_CODES.split())
