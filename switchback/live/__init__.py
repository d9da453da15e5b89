"""The app that is live, for whoever runs it: its logs, commands of its own, and a host that is left to itself."""
