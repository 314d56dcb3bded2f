"""What cameras see: the sector of ground in view, and the pictures of it."""
