"""Imitations of the vendors' APIs: local servers that tests, benchmarks and the demo talk to."""
