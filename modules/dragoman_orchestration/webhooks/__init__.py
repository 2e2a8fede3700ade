"""Webhooks: what happens is sent to the receivers that asked for it, signed, and again until they have it."""
