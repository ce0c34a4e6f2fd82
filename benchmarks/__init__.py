"""Measures citewell's own speed: `python -m benchmarks.cold` and `.encode`. Not installed."""
