"""Runners of bots: a process each, that joins a meeting or a stream and speaks into a session."""
