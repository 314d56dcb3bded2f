"""Taking over the lists of cameras that districts have already."""
