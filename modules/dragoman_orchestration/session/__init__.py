"""What a session is: its life (pure), its ledger (pure), and its place in Redis (``store``)."""
