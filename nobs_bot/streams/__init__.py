"""Looks at a camera's stream and says what is there; knows no camera record, no database."""
