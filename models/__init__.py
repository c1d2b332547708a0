"""Models: the anomaly model's named features, its training, its scores and their explanation."""
