"""Whom an erasure is asked for, and what of that is kept: never the people themselves for longer than the job takes."""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Annotated

import msgspec

from shared.catalog.people import of_anonymous, of_user
from shared.refusals import Refusal, Rejected

MOST_PEOPLE = 1_000
MOST_IDENTIFIER = 512  # what ingest takes of one

Identifier = str | int


class ErasureRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The people: known ones by `user_id` or `user_ids`, unknown ones by `anonymous_id` or `anonymous_ids`.

    `reason` is kept with the job; it should name nobody.
    """

    user_id: Identifier = ""
    user_ids: list[Identifier] = []
    anonymous_id: Identifier = ""
    anonymous_ids: list[Identifier] = []
    reason: Annotated[str, msgspec.Meta(max_length=1_000)] = ""

    def people(self) -> list[str]:
        """Everybody once, as `user_key` of the events has them; refuses nobody, too many and ids that are none."""
        users = [_checked("user_ids", one) for one in ([self.user_id] if self.user_id != "" else []) + self.user_ids]
        unknown = [self.anonymous_id] if self.anonymous_id != "" else []
        anonymous = [_checked("anonymous_ids", one) for one in unknown + self.anonymous_ids]
        found = sorted({*map(of_user, users), *map(of_anonymous, anonymous)})
        if not 1 <= len(found) <= MOST_PEOPLE:
            raise Rejected(
                Refusal.BAD_REQUEST,
                f"{len(found)} people; 1 to {MOST_PEOPLE} by `user_id`, `user_ids`, `anonymous_id` or `anonymous_ids`",
            )
        return found


class AddressQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What may be said beside the user in the path."""

    reason: Annotated[str, msgspec.Meta(max_length=1_000)] = ""


class Kept(msgspec.Struct, frozen=True):
    """What the job's row says: how many people, and a fingerprint that only the same people have."""

    people: int
    fingerprint: str
    reason: str


def kept(people: list[str], key: bytes, reason: str) -> Kept:
    """The job's row for these people; `key` is the project's."""
    return Kept(len(people), hmac.digest(key, "\n".join(people).encode(), hashlib.sha256).hex(), reason)


def split(people: Iterable[str]) -> tuple[list[str], list[str]]:
    """The user ids and the anonymous ids of people."""
    users: list[str] = []
    anonymous: list[str] = []
    for person in people:
        (users if person.startswith("u:") else anonymous).append(person[2:])
    return users, anonymous


def _checked(field: str, given: Identifier) -> str:
    text = str(given)
    if not 1 <= len(text) <= MOST_IDENTIFIER:
        raise Rejected(Refusal.BAD_REQUEST, f"an id of `{field}` has {len(text)} characters; 1 to {MOST_IDENTIFIER}")
    if "\0" in text or not _encodable(text):
        raise Rejected(Refusal.BAD_TEXT, f"an id of `{field}`")
    return text


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
