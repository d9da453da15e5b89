"""The command `switchback`: each of the runs in a word, for a project that has its settings in a folder of its own."""
