"""Own vectors: features that another program has computed, imported as a backbone."""
