"""The part that runs inside Django, with a version's own Python: `manage_shim` starts it, and knows it by another name.

It imports nothing of the rest of the agent, which that Python knows nothing of: modules of its own by their relative
names, the standard library, and Django. The agent imports `protocol` alone of it and `lean`, which need no Django.
"""

# All of them, for where the agent itself comes from no files; and the packages among them.
MODULES = (
    "checks",
    "databases",
    "engines.kind",
    "engines.known",
    "engines.mysql",
    "engines.postgresql",
    "engines.sqlite",
    "going_back",
    "lean",
    "locks",
    "looks",
    "migrations",
    "operations",
    "protocol",
    "sessions",
    "start",
    "static_files",
)
PACKAGES = ("engines",)
