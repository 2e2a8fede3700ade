"""What processes tell about themselves, and who reads it."""
