"""The composition root: commands, settings and the wiring of everything below."""
