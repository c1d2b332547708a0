"""Telemetry: each metric and log event is declared once, here."""
