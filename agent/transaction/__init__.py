"""A deploy as the host knows it: its journal, its lock, how far it has come, and what is to be undone."""
