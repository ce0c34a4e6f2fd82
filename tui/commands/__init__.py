"""The commands of the command line, a module a group; each imports its parts when it runs."""
