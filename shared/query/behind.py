"""The people behind a number of an analysis, page by page in the order of their ids."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from shared.query.parameters import Parameters


class PageAsked(Protocol):
    """Which page of people: at most `page` of them, those after `cursor`, the `next_cursor` of the page before."""

    @property
    def page(self) -> int: ...
    @property
    def cursor(self) -> str: ...


def page_parts(asked: PageAsked, parameters: Parameters) -> dict[str, str]:
    """What a statement that lists people is filled with besides: `after`, and `limit`, which is one more."""
    return {"after": parameters.bind("String", asked.cursor), "limit": parameters.bind("UInt32", asked.page + 1)}


class PersonBehind(msgspec.Struct, frozen=True):
    """Somebody behind a number, by the id of the person, or of the session where sessions are counted."""

    id: str


class PeopleBehind(msgspec.Struct, frozen=True):
    """A page of people in the order of their ids; `next_cursor` is null on the last one."""

    items: list[PersonBehind]
    next_cursor: str | None
    range: dict[str, str]


def page_of(asked: PageAsked, rows: Sequence[Sequence[Any]], echo: dict[str, str]) -> PeopleBehind:
    """The page that rows of (id, …) make, of which the last may be the first of the page after it."""
    items = [PersonBehind(row[0]) for row in rows[: asked.page]]
    return PeopleBehind(items, items[-1].id if len(rows) > asked.page else None, echo)


def is_key(column: str, key: str | None, parameters: Parameters) -> str:
    """SQL of whether a column of groups' keys, NULL where there is none, is this key."""
    return f"isNull({column})" if key is None else f"{column} = {parameters.bind('String', key)}"


def is_none_of(column: str, keys: Sequence[str | None], parameters: Parameters) -> str:
    """SQL of whether a column of groups' keys is none of these."""
    named = parameters.bind("Array(String)", [key for key in keys if key is not None])
    return f"if(isNull({column}), {'false' if None in keys else 'true'}, NOT has({named}, assumeNotNull({column})))"
