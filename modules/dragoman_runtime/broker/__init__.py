"""The bus: one protocol (``base``), its twins (``redis``, ``memory``), and the two loops that use it."""
