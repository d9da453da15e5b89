"""What a run does on a host, and the preview of it: a model, its lines, and the file that keeps it."""
