"""The terminal interface in a browser: who may open it, a process for each tab, and the server."""
