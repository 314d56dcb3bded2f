"""Backups: one archive of database and files, without the keys; and its way back."""
