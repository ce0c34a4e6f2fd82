"""Measures citewell's own speed: `python -m benchmarks.cold`, `python -m benchmarks.encode`. Not installed."""
