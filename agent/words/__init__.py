"""What controller and host say to each other, defined once for both, and checked when it is read. Pure."""
