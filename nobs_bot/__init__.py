"""CCTV No Blindspot: volunteered cameras, checked, reviewed and asked for footage."""
