"""Ordinary Django projects, generated when a test asks for them: what `startproject` and `wagtail start` make, and what
guides tell people to add. Each is deployed to a bare host with a config repository, and ends as it should."""
