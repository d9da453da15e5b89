"""What a person reads of a preview: a verdict, what can't be undone or will be noticed, and the rest, on one screen."""
