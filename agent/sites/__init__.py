"""The sites of a host: what of it is whose, and a host from before there were several."""
