"""One self-contained page about a run: what happened when, what was built, what was proven or what went wrong."""
