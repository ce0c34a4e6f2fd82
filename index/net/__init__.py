"""The only way from citewell's library to the network: one client, and the rules that it cannot break."""
