"""Tools for developers: benchmarks, stress tests, studies, release steps and checks on emulated Pis. Never shipped."""
