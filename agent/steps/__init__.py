"""The steps of a deploy: those that build a version, and those that touch the live site."""
