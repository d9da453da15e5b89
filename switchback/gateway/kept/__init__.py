"""What the gateway keeps: plans, the run that holds it, and what was asked for."""
