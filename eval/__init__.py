"""Measurements of what citewell extracts and finds."""
