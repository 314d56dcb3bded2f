"""Live view in the command centre."""
