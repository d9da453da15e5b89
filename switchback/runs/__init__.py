"""What a run does on each host, decided before anything is changed from what was seen on all of them. Pure."""
