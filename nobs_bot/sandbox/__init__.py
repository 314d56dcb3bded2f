"""A Telegram and a street of our own, for the demo and for the tests."""
