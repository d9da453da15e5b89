"""Which commits a key may deploy: the repositories as they are now, branches and signatures."""
