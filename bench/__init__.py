"""Benchmarks: seeded loads, the naive version that every figure stands beside, and reports of runs."""
