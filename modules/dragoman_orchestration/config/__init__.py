"""The runtime configuration: its document, where it is kept, how a change is applied, and who follows it."""
