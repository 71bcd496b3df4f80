"""Benchmarks of models that need no reference: runs, records, scores and the report."""
