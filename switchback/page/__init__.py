"""A page for each run: one file of HTML that needs nothing else, from what the hosts tell of the run. Pure."""
