"""What every process shares: settings, telemetry, process life, HTTP face, and the bus.

Shared I/O without product rules; stands on ``dragoman_contracts`` alone.
"""
