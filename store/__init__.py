"""Stores: windows in Redis; alerts, cases and people in PostgreSQL."""
