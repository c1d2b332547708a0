"""Alerts: how hits grow into alerts and cases, as pure functions and tables of allowed transitions."""
