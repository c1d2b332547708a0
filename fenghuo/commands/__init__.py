"""One module per command of the command line; each takes settings and returns the exit code."""
