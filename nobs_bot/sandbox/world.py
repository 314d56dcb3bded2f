"""The chats as they are: people, messages, keyboards, the bot's profile. No HTTP here."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from nobs_bot.clock import Clock
from nobs_bot.sandbox.cast import CastMember
from nobs_bot.sandbox.events import Events
from nobs_bot.sandbox.store import Store
from nobs_bot.sandbox.wire import BotApiError, Json, bad_request

FIRST_PERSON_ID = 720_000_001
FIRST_GROUP_ID = -1_002_000_000_001


@dataclass
class Person:
    """Somebody with a phone, and how they stand to the bot."""

    person_id: int
    name: str
    username: str = ""
    language_code: str = "id"
    phone: str = ""
    started: bool = False
    blocked: bool = False
    read_revision: int = 0

    def user(self) -> Json:
        """As a Bot API ``User``."""
        body: Json = {"id": self.person_id, "is_bot": False, "first_name": self.name}
        if self.username:
            body["username"] = self.username
        return body | {"language_code": self.language_code}


@dataclass
class Chat:
    """A private chat (its id is the person's) or a basic supergroup."""

    chat_id: int
    title: str = ""
    members: list[int] = field(default_factory=list)
    next_message_id: int = 1
    keyboard: Json | None = None
    keyboard_message_id: int = 0


@dataclass
class Stored:
    """
    A message, as it is now and as it was.

    Attributes:
        body: Bot API ``Message``.
        versions: Earlier bodies, oldest first.
        revision: Of its latest change; grows over all chats.
        read: For a person's message: the bot has taken it.
    """

    chat_id: int
    body: Json
    from_bot: bool
    revision: int
    read: bool = False
    deleted: bool = False
    versions: list[Json] = field(default_factory=list)
    created_at: float = 0.0

    @property
    def message_id(self) -> int:
        return int(self.body["message_id"])


@dataclass
class Toast:
    """What a tap on a button brought up: a note that fades, or an alert to be closed."""

    person_id: int
    text: str
    alert: bool
    revision: int
    url: str = ""


class World:
    """
    All chats of one bot.

    Args:
        bot: The bot's ``User``.
        store: What survives; read at once.
        clock: Gives messages their dates.
    """

    def __init__(self, bot: Json, store: Store, clock: Clock) -> None:
        self.bot = bot
        self.store = store
        self.clock = clock
        self.persons = {b["person_id"]: Person(**b) for b in store.all("person")}
        self.chats = {b["chat_id"]: Chat(**b) for b in store.all("chat")}
        self.messages: dict[int, dict[int, Stored]] = {}
        self.toasts: list[Toast] = []
        latest = 0
        for body in store.all("message"):
            stored = Stored(**body)
            self.messages.setdefault(stored.chat_id, {})[stored.message_id] = stored
            latest = max(latest, stored.revision)
        self._next_private_id = (store.one("counter", "private") or {"value": 1})["value"]
        self.events = Events(latest)

    # people

    def join(self, member: CastMember) -> Person:
        """Make a cast member known; who is known already keeps their chat."""
        person = self.persons.get(member.person_id) or Person(member.person_id, member.name)
        person.name, person.username, person.phone = member.name, member.username, member.phone
        if not person.started:
            person.language_code = member.language_code
        self.save_person(person)
        return person

    def new_person_id(self) -> int:
        known = [int(person_id) for person_id in self.persons]
        return max([FIRST_PERSON_ID - 1, *known]) + 1

    def save_person(self, person: Person) -> None:
        self.persons[person.person_id] = person
        self.store.put("person", person.person_id, asdict(person))

    def start(self, person: Person) -> None:
        """From now on the bot knows this person and may write to them."""
        if person.started:
            return
        person.started = True
        self.save_person(person)

    def new_group(self, title: str, members: list[int]) -> Chat:
        chat = Chat(min([FIRST_GROUP_ID + 1, *self.chats]) - 1, title, members)
        self.save_chat(chat)
        return chat

    # chats

    def chat(self, chat_id: int) -> Chat:
        chat = self.chats.get(chat_id)
        if chat is None:
            chat = self.chats[chat_id] = Chat(chat_id)
        return chat

    def save_chat(self, chat: Chat) -> None:
        self.chats[chat.chat_id] = chat
        self.store.put("chat", chat.chat_id, asdict(chat))

    def reachable(self, chat_id: int) -> Chat:
        """
        The chat the bot wants to write to.

        Raises:
            BotApiError: "chat not found", or 403 from somebody who blocked the bot.
        """
        if chat_id < 0 and chat_id in self.chats:
            return self.chats[chat_id]
        person = self.persons.get(chat_id)
        if person is None or not person.started:
            raise bad_request("chat not found")
        if person.blocked:
            raise BotApiError(403, "Forbidden: bot was blocked by the user")
        return self.chat(chat_id)

    def describe(self, chat_id: int) -> Json:
        """As a Bot API ``Chat``."""
        if chat_id < 0:
            return {"id": chat_id, "type": "supergroup", "title": self.chats[chat_id].title}
        user = self.persons[chat_id].user()
        names = {key: user[key] for key in ("first_name", "username") if key in user}
        return {"id": chat_id, "type": "private"} | names

    def audience(self, chat_id: int) -> list[int]:
        return [chat_id] if chat_id > 0 else self.chats[chat_id].members

    # messages

    def post(self, chat_id: int, sender: Json, content: Json) -> Stored:
        """Add a message to a chat and show it to who is there."""
        head = {
            "message_id": self._new_message_id(chat_id),
            "from": sender,
            "chat": self.describe(chat_id),
            "date": self.now_unix(),
        }
        stored = Stored(
            chat_id,
            head | content,
            from_bot=sender["id"] == self.bot["id"],
            revision=self.events.next_revision(),
            created_at=self.clock.now().timestamp(),
        )
        self.messages.setdefault(chat_id, {})[stored.message_id] = stored
        self._changed(stored, "message")
        return stored

    def edit(self, stored: Stored, body: Json) -> None:
        """Put *body* in the place of what the message said."""
        stored.versions.append(stored.body)
        stored.body = body
        stored.revision = self.events.next_revision()
        self._changed(stored, "message")

    def delete(self, stored: Stored) -> None:
        stored.deleted = True
        stored.revision = self.events.next_revision()
        chat = self.chat(stored.chat_id)
        if chat.keyboard_message_id == stored.message_id:
            self.set_keyboard(chat, None, 0)
        self._changed(stored, "delete")

    def find(self, chat_id: int, message_id: int) -> Stored | None:
        """The message, unless it is deleted."""
        stored = self.messages.get(chat_id, {}).get(message_id)
        return None if stored is None or stored.deleted else stored

    def visible(self, chat_id: int) -> list[Stored]:
        return [each for each in self.messages.get(chat_id, {}).values() if not each.deleted]

    def mark_taken(self, chat_id: int, message_id: int) -> None:
        """The bot has the update: the second tick."""
        stored = self.messages.get(chat_id, {}).get(message_id)
        if stored is not None and not stored.read:
            stored.read = True
            self._changed(stored, "read")

    def set_keyboard(self, chat: Chat, keyboard: Json | None, message_id: int) -> None:
        chat.keyboard, chat.keyboard_message_id = keyboard, message_id
        self.save_chat(chat)
        for person_id in self.audience(chat.chat_id):
            self.tell("keyboard", person_id, keyboard=keyboard)

    # what people see

    def tell(self, kind: str, person_id: int, **more: object) -> None:
        self.events.publish({"type": kind, "person_id": person_id} | more)

    def show_toast(self, person_id: int, text: str, *, alert: bool, url: str = "") -> None:
        toast = Toast(person_id, text, alert, self.events.next_revision(), url)
        self.toasts.append(toast)
        self.tell("toast", person_id, text=text, alert=alert, url=url)

    def now_unix(self) -> int:
        return int(self.clock.now().timestamp())

    def age_s(self, stored: Stored) -> float:
        return self.clock.now().timestamp() - stored.created_at

    def _new_message_id(self, chat_id: int) -> int:
        # In private chats Telegram numbers a bot's messages over all chats.
        if chat_id < 0:
            chat = self.chat(chat_id)
            chat.next_message_id += 1
            self.save_chat(chat)
            return chat.next_message_id - 1
        message_id = int(self._next_private_id)
        self._next_private_id += 1
        self.store.put("counter", "private", {"value": self._next_private_id})
        return message_id

    def _changed(self, stored: Stored, kind: str) -> None:
        key = f"{stored.chat_id}/{stored.message_id}"
        self.store.put("message", key, asdict(stored))
        for person_id in self.audience(stored.chat_id):
            self.tell(kind, person_id, message=self.shown(stored, person_id))

    def shown(self, stored: Stored, person_id: int) -> Json:
        """A message as one person's phone shows it."""
        return {
            "message_id": stored.message_id,
            "chat_id": stored.chat_id,
            "own": stored.body["from"]["id"] == person_id,
            "from_bot": stored.from_bot,
            "revision": stored.revision,
            "read": stored.read,
            "deleted": stored.deleted,
            "body": stored.body,
        }
