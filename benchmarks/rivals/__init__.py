"""Other tools that find passages, each driven in an environment of its own."""
