"""The host as any program finds it.

Commands, users, processes, files, links, sockets. It knows nothing of a deploy.
"""
