"""Engines behind one protocol (``base.Engine``); ``choose`` makes the one that a profile asks for.

An engine for NPUs (OpenVINO) has its place here as ``openvino.py`` and in ``choose``.
"""
