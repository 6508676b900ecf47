"""Metrics: counters in memory that all workers of a replica share, and their exposition to Prometheus."""
