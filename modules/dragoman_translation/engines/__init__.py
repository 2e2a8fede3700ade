"""Engines behind one protocol (``base.Engine``); ``choose`` makes those that the settings name."""
