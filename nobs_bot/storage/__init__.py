"""Where things are kept: database, keys, files, the audit log, and leases on work."""
