"""Looking at a host without changing anything: what a run needs to know, and what it would do."""
