"""The app as a process under load, killed time and again; afterwards everything is counted."""
