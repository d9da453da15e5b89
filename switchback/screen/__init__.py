"""What a person reads, before a run and after it; and the decisions that a run begins with."""
