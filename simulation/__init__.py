"""A seeded stream of a simulated group company's trade, with injected incidents that rules must find."""
