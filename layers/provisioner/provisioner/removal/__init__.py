"""The end of a cluster: what is asked for, what would go and stay, what is in the way, and the four steps of it."""
