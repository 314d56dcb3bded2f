"""The interface for programs: the pages' own scripts and other systems."""
