"""Writes what is generated: `make generate`. A test keeps each file current."""
