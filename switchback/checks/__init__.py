"""What is wrong with a host or between hosts, and what it lacks: pure functions of what was seen there."""
