"""Column kernels of the condition language: SQL's three-valued logic over NumPy arrays."""
