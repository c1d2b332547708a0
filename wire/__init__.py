"""Wire: how events come in and decisions go out; Kafka and file sources and sinks, codec, mapping tables."""
