"""Alerts: anomalies are told to people, once when they open and once when they are over."""
