"""Results on their way from the bus to the sockets that watch a session."""
