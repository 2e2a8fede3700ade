"""The translation service: texts in, texts in other languages out. It knows no Redis and no session."""
