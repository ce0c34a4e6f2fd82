"""Files in, papers out. One module a format; which one is decided by content, never by name alone."""
