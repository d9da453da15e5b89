"""The hosts of a run: the inventory, and looking at all of them at once."""
