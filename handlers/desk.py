"""What every handler works with: the transaction, the person in front of it, and the reply."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nobs_bot.buttons import button, column
from nobs_bot.coverage.basemap import BaseMap
from nobs_bot.coverage.drawing import MapView
from nobs_bot.messaging.conversation import Dialogue
from nobs_bot.messaging.message import Message, Picture, PictureKind
from nobs_bot.people.persons import Person
from nobs_bot.places.areas import Areas
from nobs_bot.storage.work import Work
from nobs_bot.texts import Words

from .reply import Reply


@dataclass(frozen=True)
class Surroundings:
    """
    What does not change from update to update.

    Args:
        has_geocoder: Whether addresses in words can be looked up.
        bot_name: The bot's username, for links.
    """

    areas: Areas
    base: BaseMap
    has_geocoder: bool
    bot_name: str


@dataclass(frozen=True)
class Desk:
    """One update's work, person, words, standing and reply."""

    work: Work
    who: Person
    words: Words
    dialogue: Dialogue
    reply: Reply
    around: Surroundings

    @property
    def areas(self) -> Areas:
        """The district's areas."""
        return self.around.areas

    @property
    def memory(self) -> dict[str, Any]:
        """What the dialogue remembers."""
        return self.dialogue.data

    def show(self, key: str, /, keyboard: Any = (), **params: object) -> None:
        """Show the sentence of *key* as the next screen."""
        self.reply.show(Message(text=self.words(key, **params), keyboard=keyboard))

    def say(self, key: str, /, keyboard: Any = (), **params: object) -> None:
        """Say the sentence of *key* in a new message."""
        self.reply.say(Message(text=self.words(key, **params), keyboard=keyboard))

    def ask_place(self, key: str, state: StrEnum) -> None:
        """Open the question for a place, with a button for where the person is."""
        words = self.words
        self.dialogue.go(state.value)
        self.reply.clear_buttons()
        self.reply.say(
            Message(
                text=words(key),
                ask_location=words("enrol.location.here_button"),
                words_to_tap=(words("cancel_button"),),
            )
        )

    def leave_off(self) -> None:
        """End the dialogue; nothing of it stays."""
        self.dialogue.end()
        self.show("cancel.done", column(button(self.words("home_button"), "home")))


def map_picture(view: MapView) -> Picture:
    """The map as a picture that is drawn when it is sent."""
    return Picture(kind=PictureKind.MAP, about=view.model_dump(mode="json"))
