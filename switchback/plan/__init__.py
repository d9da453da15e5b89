"""The preview of a run on a host: a model, its lines, and the file that keeps it."""
