"""How a run has ended on each host, and what a person reads of it: the last screen."""
