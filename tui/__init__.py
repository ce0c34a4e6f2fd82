"""The command line and the terminal screens: the only layer that sees every other."""
