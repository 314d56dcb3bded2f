"""Who takes part: persons, what they agreed to, which roles they have and how they got them."""
