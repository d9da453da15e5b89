"""Safe shell access: a key that may ask for a few runs, and for nothing else."""
