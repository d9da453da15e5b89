"""The app that is live, for whoever runs it: what it says, and commands of its own."""
