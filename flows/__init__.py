"""The Bytewax dataflow: wiring only; what judges an event lives in the pure packages."""
