"""Inbox, pump, outbox, sender and polling."""
