"""A loop in one thread: who asks it for something, who works for it, and the time. It knows nothing of deploys."""
