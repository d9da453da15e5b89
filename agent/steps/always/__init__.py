"""What every way back does, whichever step has failed."""
