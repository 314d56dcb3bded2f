"""CCTV No Blindspot: volunteered cameras, checked, reviewed and asked for footage."""

VERSION = "0.3.0"
