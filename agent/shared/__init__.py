"""What outlives a site's versions: uploads, a SQLite file, a file of secrets; each version links to it."""
