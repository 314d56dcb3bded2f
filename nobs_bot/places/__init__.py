"""Places: the district's areas, locations in words and links, geocoding, the base map's data."""
