"""Ordinary Django projects, generated when a test asks for them: what `startproject` and `wagtail start` make, and what
guides tell people to add. Each is deployed to a bare host, most from their one repository and through the same story
(`story.py`); those with a config repository are what they are for that."""
