"""From SQLite to PostgreSQL, once, when a district outgrows it."""
