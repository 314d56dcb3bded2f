"""Footage requests: what is asked of whom, what they answer, what they send."""
