"""
Imports aiogram with its models unbuilt, and of what people send only what this bot hears.

aiogram builds all of its 400 models when it is imported, which takes three seconds and a hundred
megabytes (see its issues 1876 and 1513); a bot uses some sixty, each of which is built when it is
first used. `Message` alone leads to 200 more, from gifts to passports: what is not in `HEARD` is
left as it came, a `dict`, which also means that no novelty of Telegram's in it can make an update
unreadable. To be imported before anything else of aiogram's. Where aiogram came first, or a later
version does not build its models itself, nothing changes.
"""

from __future__ import annotations

import sys
from typing import Any

from pydantic import BaseModel, ConfigDict

# pydantic's own way to build a model, which aiogram calls for each of its own
_BUILD = BaseModel.__dict__["model_rebuild"]
_CONFIG = BaseModel.model_config

# who reads another kind of thing in a handler adds it here
HEARD = frozenset(
    {
        *("Update", "Message", "CallbackQuery", "ChatMemberUpdated", "User", "Chat"),
        *("MaybeInaccessibleMessage", "InaccessibleMessage", "MaybeInaccessibleMessageUnion"),
        *("ChatMember", "ChatMemberUnion", "ChatMemberOwner", "ChatMemberAdministrator"),
        *("ChatMemberMember", "ChatMemberRestricted", "ChatMemberLeft", "ChatMemberBanned"),
        *("PhotoSize", "Document", "Video", "File"),
        *("Contact", "Location", "Venue", "WebAppData", "MessageEntity"),
        # what is sent
        *("ReplyMarkupUnion", "ReplyKeyboardMarkup", "ReplyKeyboardRemove", "KeyboardButton"),
        *("InlineKeyboardMarkup", "InlineKeyboardButton", "WebAppInfo", "LinkPreviewOptions"),
        *("InputMediaPhoto", "MediaUnion", "InputFileUnion", "ChatIdUnion", "DateTimeUnion"),
        *("BotCommand", "BotCommandScopeUnion", "BotCommandScopeChat"),
    }
)


def _not_now(cls: type[BaseModel], /, **_: object) -> None:
    """Takes the place of `model_rebuild` while aiogram is imported."""


BaseModel.model_rebuild = classmethod(_not_now)  # type: ignore[method-assign,assignment]
# those of its models that need no others are built as they are declared, unless told so
BaseModel.model_config = ConfigDict(defer_build=True)
try:
    from aiogram import types
finally:
    BaseModel.model_rebuild = _BUILD  # type: ignore[method-assign]
    BaseModel.model_config = _CONFIG


def _is_model(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, BaseModel)


def _meant(name: str) -> Any:
    found = getattr(types, name)
    is_unheard = name not in HEARD and (_is_model(found) or name.endswith("Union"))
    return Any if is_unheard else found


# What a model's annotations name is imported for type checkers only. Whoever builds the model
# later looks the names up in its module.
_names = {name: _meant(name) for name in types.__all__}
for _model in filter(_is_model, (getattr(types, name) for name in types.__all__)):
    _module = vars(sys.modules[_model.__module__])
    _module.update(_names | _module)
