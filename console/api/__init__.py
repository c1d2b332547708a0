"""JSON for programs, and the pages of operations: health and metrics."""
