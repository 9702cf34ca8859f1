"""One module per AWS resource: `find` reads, `ensure` converges; neither sleeps, blocks or deletes."""
