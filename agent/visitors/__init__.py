"""What visitors get: the website as they ask for it, its static files, and how often they got nothing."""
