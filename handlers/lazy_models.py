"""
Imports of aiogram's models only those that this bot hears, and builds each when it is first used.

aiogram declares 600 models when it is imported, a file each, and builds 400 of them, which takes
four seconds and a hundred megabytes (see its issues 1876 and 1513); a bot uses some sixty.
`Message` alone leads to 200 more, from gifts to passports: what is not in `HEARD` is left as it
came, a `dict`, which also means that no novelty of Telegram's in it can make an update unreadable.
The rest stands by as a name (`Later`), whose file is imported when something is made of it. To be
imported before anything else of aiogram's. Where aiogram came first, or a later version does not
build its models itself, nothing changes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Union

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema

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
        # what is sent, and what comes back where it is refused
        *("ReplyMarkupUnion", "ReplyKeyboardMarkup", "ReplyKeyboardRemove", "KeyboardButton"),
        *("InlineKeyboardMarkup", "InlineKeyboardButton", "WebAppInfo", "LinkPreviewOptions"),
        *("InputMediaPhoto", "MediaUnion", "InputFileUnion", "ChatIdUnion", "DateTimeUnion"),
        *("BotCommand", "BotCommandScopeUnion", "BotCommandScopeChat", "ResponseParameters"),
    }
)
# what those are declared with
_BASES = (
    *("base", "custom", "input_file", "input_media", "input_poll_media"),
    *("input_poll_option_media", "bot_command_scope"),
)
_TYPES, _METHODS = "aiogram.types", "aiogram.methods"


def _file_of(name: str) -> str:
    """As aiogram calls the file of a model: web_app_data for WebAppData."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


_AT_ONCE = {
    *(f"{_TYPES}.{_file_of(name)}" for name in HEARD),
    *(f"{_TYPES}.{base}" for base in _BASES),
    f"{_METHODS}.base",
}


class Later:
    """A name of aiogram's that nobody has used yet; its file is imported when somebody does."""

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    @property
    def _real(self) -> Any:
        return getattr(_import(self._module), self._name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Make one of it."""
        return self._real(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        # whoever asks for such a name looks for what kind of thing this is
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._real, name)

    def __instancecheck__(self, instance: object) -> bool:
        # of what was not imported there are none
        return self._module in _AT_ONCE and isinstance(instance, self._real)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        """Whoever is derived from it is derived from the real one."""
        return (self._real,)

    def __or__(self, other: Any) -> Any:
        return Union[self, other]  # noqa: UP007 - this is what | means

    def __ror__(self, other: Any) -> Any:
        return Union[other, self]  # noqa: UP007 - this is what | means

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """What a call has in a field, or brings back, is the real one."""
        return handler.generate_schema(self._real)

    def model_rebuild(self, **_: object) -> None:
        """There is nothing to build yet."""


class _Unheard(MetaPathFinder, Loader):
    """Has an empty file in the place of each of aiogram's models that is not needed at once."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        is_model = fullname.rpartition(".")[0] in (_TYPES, _METHODS)
        return ModuleSpec(fullname, self) if is_model and fullname not in _AT_ONCE else None

    def exec_module(self, module: ModuleType) -> None:
        def named(name: str) -> Later:
            if name.startswith("__"):
                raise AttributeError(name)
            return Later(module.__name__, name)

        module.__dict__["__getattr__"] = named


# what each of the names means in a field of a model that is built from now on
_names: dict[str, Any] = {}


def _let_it_find_names(module: ModuleType) -> None:
    """
    Give a file the names that it imports for type checkers only.

    Whoever builds its model later looks the names up there.
    """
    found = vars(module)
    found.update(_names | found)


def _import(module: str) -> ModuleType:
    """The real file, from now on in the place of the empty one."""
    if module not in _AT_ONCE:
        _AT_ONCE.add(module)
        del sys.modules[module]
        _let_it_find_names(import_module(module))
    return sys.modules[module]


def _not_now(cls: type[BaseModel], /, **_: object) -> None:
    """Takes the place of `model_rebuild` while aiogram is imported."""


if "aiogram" not in sys.modules:
    sys.meta_path.insert(0, _Unheard())
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
    is_unheard = name not in HEARD and (
        isinstance(found, Later) or _is_model(found) or name.endswith("Union")
    )
    return Any if is_unheard else found


_names.update({name: _meant(name) for name in types.__all__})
for _module in _AT_ONCE & sys.modules.keys():
    _let_it_find_names(sys.modules[_module])
