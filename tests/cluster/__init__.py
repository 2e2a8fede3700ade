"""The system on a real Redis Cluster."""
