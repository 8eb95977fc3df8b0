"""Benchmarks of training, exports and the runtime."""
