"""A project as its repository has it, without a config repository: what it tells of itself, and the config that is made
of it. Found and written by pure functions; `generate` reads the commit, and writes."""
