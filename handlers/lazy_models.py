"""
Imports aiogram with its models unbuilt: each is built when it is first used.

aiogram builds all of its 400 models when it is imported, which takes three seconds and a hundred
megabytes (see its issues 1876 and 1513); a bot uses some sixty. To be imported before anything
else of aiogram's. Where aiogram came first, or a later version does not build its models itself,
nothing changes.
"""

from __future__ import annotations

import sys

from pydantic import BaseModel

# pydantic's own way to build a model, which aiogram calls for each of its own
_BUILD = BaseModel.__dict__["model_rebuild"]


def _not_now(cls: type[BaseModel], /, **_: object) -> None:
    """Takes the place of `model_rebuild` while aiogram is imported."""


BaseModel.model_rebuild = classmethod(_not_now)  # type: ignore[method-assign,assignment]
try:
    from aiogram import types
finally:
    BaseModel.model_rebuild = _BUILD  # type: ignore[method-assign]

# What a model's annotations name is imported for type checkers only. Whoever builds the model
# later looks the names up in its module.
_names = {name: getattr(types, name) for name in types.__all__}
for _model in _names.values():
    if isinstance(_model, type) and issubclass(_model, BaseModel):
        _module = vars(sys.modules[_model.__module__])
        for _name, _meant in _names.items():
            _module.setdefault(_name, _meant)
