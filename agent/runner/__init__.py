"""The one process on the host that carries out a transaction: its loop, its workers, and who talks to it."""
