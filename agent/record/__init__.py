"""What is told of runs afterwards: the history, and the record of each run."""
