"""How the controller reaches the agent: what travels, and the commands that start it."""
