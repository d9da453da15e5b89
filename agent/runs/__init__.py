"""How a deploy begins, goes on, and ends: well, by a fallback, or with a person's help."""
