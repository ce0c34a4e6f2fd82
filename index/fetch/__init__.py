"""Papers from where they live: what a user asked for, the services that may have it, and the run."""
