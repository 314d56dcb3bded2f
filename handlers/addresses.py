"""What came of looking an address up: a button for each place, for the dialogue that asked."""

from __future__ import annotations

from nobs_bot.buttons import button, column
from nobs_bot.messaging.message import Message
from nobs_bot.people.persons import person, tell, words_for
from nobs_bot.places.geocode import AddressLookup
from nobs_bot.storage.work import Work

from .enrol.place import LOOKUP_PURPOSE as ENROL

MOST_LABEL_CHARACTERS = 60


async def tell_places(
    work: Work, lookup: AddressLookup, query: str, places: list[tuple[str, float, float]] | None
) -> None:
    """Offer the places found; where there are none, say how else to give the location."""
    who = await person(work, lookup.person_id)
    words = words_for(work, who)
    if places:
        action = "enrol.at" if lookup.purpose == ENROL else "req.at"
        buttons = [
            button(f"📍 {label[:MOST_LABEL_CHARACTERS]}", action, f"{lat:.6f}", f"{lon:.6f}")
            for label, lat, lon in places
        ]
        message = Message(text=words("location.found", query=query), keyboard=column(*buttons))
    else:
        key = "location.not_found" if places is not None else "location.geocoder_away"
        message = Message(text=words(key, query=query))
    await tell(work, who, message, f"lookup:{lookup.id}")
