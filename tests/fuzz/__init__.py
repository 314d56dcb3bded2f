"""Fuzzing what reads the bytes of strangers; found cases are kept and run with the tests."""
