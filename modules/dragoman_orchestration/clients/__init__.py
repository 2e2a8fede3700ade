"""Clients of the services: one contract each, errors as data, a circuit breaker between."""
