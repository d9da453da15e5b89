"""What a version runs at times: timers of systemd's, each with a service of its own."""
