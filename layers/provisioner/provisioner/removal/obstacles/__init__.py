"""What somebody else has put in the way of a removal: found before anything is removed, named, and never touched."""
