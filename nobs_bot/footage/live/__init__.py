"""Live view: of a camera whose owner allows it, for a case, for minutes, told at once."""
