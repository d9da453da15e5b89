"""Setting the gateway up: the user, its files, and what of it nobody may read."""
