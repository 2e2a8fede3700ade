"""Drivers: the ways into a meeting or a stream, behind the one protocol of ``base``."""
