"""Windows: the contract of rolling windows and the kernels that compute features from logs of events."""
