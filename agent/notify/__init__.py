"""Telling others how a run has ended."""
