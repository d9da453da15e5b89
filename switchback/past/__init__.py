"""What is told of runs afterwards: of each host's, as lines for a person. Pure."""
