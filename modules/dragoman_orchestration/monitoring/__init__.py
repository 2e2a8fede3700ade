"""Monitoring: what is looked at, when it is an anomaly, and who is told."""
