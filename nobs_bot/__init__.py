"""CCTV No Blindspot: volunteered cameras, checked, reviewed and asked for footage."""

import os

# pydantic looks for its plug-ins in every package there is, at each start; none is ours
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

VERSION = "0.3.0"
