"""What the hosts of a run are at, shown while it goes on: in place on a terminal, as lines elsewhere, as JSON."""
