"""How the bot presents itself: name, descriptions, commands, menu button."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nobs_bot.sandbox.wire import Json, Params, bad_request
from nobs_bot.sandbox.world import World

COMMAND = re.compile(r"[a-z0-9_]{1,32}$")
TEXTS = {"name": 64, "description": 512, "short_description": 120}
SCOPES = {"default", "all_private_chats", "all_group_chats", "all_chat_administrators", "chat"}


@dataclass
class Profile:
    """Methods named as the Bot API names them, in snake case."""

    world: World

    async def get_me(self, params: Params) -> Json:
        name = self._text("name", "") or self.world.bot["first_name"]
        abilities = {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }
        return self.world.bot | {"first_name": name} | abilities

    async def set_my_name(self, params: Params) -> bool:
        return self._set_text("name", params)

    async def get_my_name(self, params: Params) -> Json:
        name = self._text("name", params.text("language_code"))
        return {"name": name or self.world.bot["first_name"]}

    async def set_my_description(self, params: Params) -> bool:
        return self._set_text("description", params)

    async def get_my_description(self, params: Params) -> Json:
        return {"description": self._text("description", params.text("language_code"))}

    async def set_my_short_description(self, params: Params) -> bool:
        return self._set_text("short_description", params)

    async def get_my_short_description(self, params: Params) -> Json:
        return {"short_description": self._text("short_description", params.text("language_code"))}

    def _set_text(self, kind: str, params: Params) -> bool:
        text, language = params.text(kind), params.text("language_code")
        if len(text) > TEXTS[kind]:
            raise bad_request(f"{kind.replace('_', ' ')} is too long")
        self.world.store.put("profile", f"{kind}:{language}", {"text": text})
        self._announce()
        return True

    def _text(self, kind: str, language: str) -> str:
        for code in (language, ""):
            saved = self.world.store.one("profile", f"{kind}:{code}")
            if saved and saved["text"]:
                return str(saved["text"])
        return ""

    def presented(self, language: str) -> Json:
        """What somebody sees of the bot before they press Start."""
        name = self._text("name", language) or self.world.bot["first_name"]
        return {
            "name": name,
            "username": self.world.bot["username"],
            "description": self._text("description", language),
            "short_description": self._text("short_description", language),
        }

    # commands

    async def set_my_commands(self, params: Params) -> bool:
        commands = params.objects("commands")
        if len(commands) > 100:
            raise bad_request("BOT_COMMANDS_TOO_MUCH")
        kept = [_command(item) for item in commands]
        self._save_commands(params, kept)
        return True

    async def delete_my_commands(self, params: Params) -> bool:
        self._save_commands(params, [])
        return True

    async def get_my_commands(self, params: Params) -> list[Json]:
        return self._commands(_scope_key(params), params.text("language_code")) or []

    def _save_commands(self, params: Params, commands: list[Json]) -> None:
        key = f"{_scope_key(params)}/{params.text('language_code')}"
        if commands:
            self.world.store.put("commands", key, {"commands": commands})
        else:
            self.world.store.drop("commands", key)
        self._announce()

    def _commands(self, scope: str, language: str) -> list[Json] | None:
        saved = self.world.store.one("commands", f"{scope}/{language}")
        return list(saved["commands"]) if saved else None

    def menu_of(self, person_id: int) -> list[Json]:
        """
        The commands this person's menu shows.

        Source: Bot API, "Determining list of commands": the narrowest scope first, in it the
        person's language before none.
        """
        language = self.world.persons[person_id].language_code
        for scope in (f"chat:{person_id}", "all_private_chats", "default"):
            for code in (language, ""):
                commands = self._commands(scope, code)
                if commands:
                    return commands
        return []

    # menu button

    async def set_chat_menu_button(self, params: Params) -> bool:
        button = params.data("menu_button") or {"type": "default"}
        if not isinstance(button, dict) or button.get("type") not in (
            "default",
            "commands",
            "web_app",
        ):
            raise bad_request("can't parse menu button: invalid type specified")
        self.world.store.put("menu_button", params.text("chat_id"), button)
        self._announce()
        return True

    async def get_chat_menu_button(self, params: Params) -> Json:
        return self.menu_button(params.text("chat_id"))

    def menu_button(self, chat_id: str) -> Json:
        for key in (chat_id, ""):
            saved = self.world.store.one("menu_button", key)
            if saved:
                return saved if saved["type"] != "default" else {"type": "commands"}
        return {"type": "commands"}

    async def get_chat(self, params: Params) -> Json:
        chat_id = params.chat_id()
        person = self.world.persons.get(chat_id)
        if (person is None or not person.started) and chat_id not in self.world.chats:
            raise bad_request("chat not found")
        more = {"accent_color_id": 0, "max_reaction_count": 11}
        gifts = dict.fromkeys(
            (
                "unlimited_gifts",
                "limited_gifts",
                "unique_gifts",
                "premium_subscription",
                "gifts_from_channels",
            ),
            False,
        )
        return self.world.describe(chat_id) | more | {"accepted_gift_types": gifts}

    async def close(self, params: Params) -> bool:
        return True

    async def log_out(self, params: Params) -> bool:
        return True

    def _announce(self) -> None:
        for person_id in self.world.persons:
            self.world.tell("menu", person_id)


def _command(item: Json) -> Json:
    command = str(item.get("command", "")).removeprefix("/")
    description = str(item.get("description", "")).strip()
    if not COMMAND.match(command):
        raise bad_request("BOT_COMMAND_INVALID")
    if not description:
        raise bad_request("command description must be non-empty")
    if len(description) > 256:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": command, "description": description}


def _scope_key(params: Params) -> str:
    scope = params.data("scope") or {"type": "default"}
    kind = scope.get("type") if isinstance(scope, dict) else None
    if kind not in SCOPES:
        raise bad_request("can't parse BotCommandScope: invalid type specified")
    return f"chat:{scope['chat_id']}" if kind == "chat" else str(kind)
