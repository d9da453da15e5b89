"""Git on the host: mirrors, checkouts, submodules, files that lie elsewhere, and what lies between two commits."""
