"""Talks to the server of a language model that the user named, and to nobody else."""
