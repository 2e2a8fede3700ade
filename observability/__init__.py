"""What watches Dragoman: dashboards, rules and alerts as code, see ``python -m observability.export``."""
