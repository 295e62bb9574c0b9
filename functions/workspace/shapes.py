"""What requests and answers of the workspace have in common."""

import uuid
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from shared.catalog.client import Row
from shared.query.pages import DEFAULT_LIMIT, Limit
from shared.security.policy import Role

# A line of text: at least one character that shows, none that controls.
_LINE = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=_LINE)]
Description = Annotated[str, msgspec.Meta(max_length=2_000, pattern=r"^[^\x00]*$")]
Search = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00]*$")]
Email = Annotated[
    str, msgspec.Meta(min_length=3, max_length=254, pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$")
]
Token = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_-]+$")]

ItemT = TypeVar("ItemT")


class PageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which page of a list: `cursor` is the `next_cursor` of the one before."""

    limit: Limit = DEFAULT_LIMIT
    cursor: uuid.UUID | None = None


class Listed(msgspec.Struct, Generic[ItemT], frozen=True):
    """A page; `next_cursor` is null on the last one."""

    items: list[ItemT]
    next_cursor: str | None


class RoleWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The role somebody is to have."""

    role: Role


def listed(rows: Sequence[Row], limit: int, shown: Callable[[Row], Any], key: str = "id") -> Listed[Any]:
    """A page of rows, of which one more than `limit` was asked for, to know whether there are more."""
    page = rows[:limit]
    return Listed([shown(row) for row in page], str(page[-1][key]) if len(rows) > limit else None)


def normalised(email: str) -> str:
    """An address as it is compared and kept."""
    return email.strip().lower()
