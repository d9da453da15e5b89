"""Having processes of another version: the trial start, one by one, or the service as a whole."""
