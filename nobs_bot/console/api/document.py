"""The OpenAPI 3.1 document of the interface, made from the calls themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from nobs_bot.console.api.problems import MEDIA_TYPE
from nobs_bot.console.api.shapes import Problem
from nobs_bot.people.tokens import Scope

if TYPE_CHECKING:
    from nobs_bot.console.api.pages import Endpoint

_REF = "#/components/schemas/{model}"
_PROBLEMS = {
    "400": "A parameter is wrong; the detail names it.",
    "401": "No key, or one that is not good.",
    "403": "The key does not open this.",
    "404": "There is no such record in your areas.",
    "429": "Too often; wait a moment.",
}


def document(endpoints: Iterable[Endpoint], path: str, district: str) -> dict[str, Any]:
    """
    The whole document.

    Args:
        path: Where the calls are.
        district: Named in the title.
    """
    calls = list(endpoints)
    _, shapes = models_json_schema(
        [(each.answer, "serialization") for each in calls] + [(Problem, "serialization")],
        ref_template=_REF,
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"No Blindspot, {district}",
            "version": "1",
            "description": "For reading. Each key opens one area, and of it what its scopes say: "
            + ", ".join(f"`{each.value}`" for each in Scope)
            + ". Owners read in their log which systems read of their cameras.",
        },
        "servers": [{"url": path}],
        "security": [{"key": []}],
        "paths": {each.path: {"get": _call(each)} for each in calls},
        "components": {
            "schemas": shapes["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _call(endpoint: Endpoint) -> dict[str, Any]:
    scope = f"Scope: `{endpoint.scope.value}`." if endpoint.scope else "Any key."
    return {
        "operationId": re.sub(r"\W+", "_", endpoint.path).strip("_"),
        "summary": endpoint.summary,
        "description": scope,
        "parameters": _parameters(endpoint),
        "responses": {
            "200": {
                "description": (endpoint.answer.__doc__ or "").strip(),
                "content": {
                    "application/json": {
                        "schema": {"$ref": _REF.format(model=endpoint.answer.__name__)}
                    }
                },
            },
            **{status: _problem(told) for status, told in _PROBLEMS.items()},
        },
    }


def _problem(told: str) -> dict[str, Any]:
    schema = {"$ref": _REF.format(model=Problem.__name__)}
    return {"description": told, "content": {MEDIA_TYPE: {"schema": schema}}}


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    schema = endpoint.query.model_json_schema()
    definitions = schema.get("$defs", {})
    required = set(schema.get("required", ()))
    found = []
    for name, about in schema.get("properties", {}).items():
        is_in_path = f"{{{name}}}" in endpoint.path
        found.append(
            {
                "name": name,
                "in": "path" if is_in_path else "query",
                "required": is_in_path or name in required,
                "description": about.get("description", ""),
                "schema": _plain(about, definitions),
            }
        )
    return found


def _plain(about: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema without references, titles, or the null that a query cannot hold."""
    if "anyOf" in about:
        (about,) = [each for each in about["anyOf"] if each.get("type") != "null"]
    if "$ref" in about:
        about = definitions[about["$ref"].rpartition("/")[2]]
    return {key: value for key, value in about.items() if key not in ("title", "description")}
