"""Bots: their one lifecycle, their place in Redis, and the launchers of their runners."""
