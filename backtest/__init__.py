"""Backtests: what a version of a rule pack would have done with past events."""
