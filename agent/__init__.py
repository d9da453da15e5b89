"""What Switchback runs on a host: each deploy as a transaction. Python 3.9 or later, standard library only."""
