"""Everything that belongs to a request, looked at and never changed: for drift, and for a plan before it exists."""
