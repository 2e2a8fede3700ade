"""Recordings of sessions: files of decoded audio, beside the transcript."""
