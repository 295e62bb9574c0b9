"""Whom an erasure is asked for, and what of that is kept: never the people themselves for longer than the job takes."""

import hashlib
import hmac
from typing import Annotated, Literal

import msgspec

from shared.catalog.people import of_anonymous, of_user
from shared.refusals import Refusal, Rejected
from shared.subjects import MOST_IDENTIFIER, checked_key, encodable

MOST_PEOPLE = 10_000
Identifier = str | int
Mode = Literal["erase", "anonymise"]
Policy = Literal["drop", "keep"]
Reason = Annotated[str, msgspec.Meta(max_length=1_000)]


class How(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How people are erased.

    `linked`: with all ids of each person (docs/people.md), else with the given ones alone. `mode` anonymise keeps
    their events under names that nobody can trace, without what says who they are; `properties` says what becomes of
    the properties of these. `reason` is kept with the job; it should name nobody.
    """

    linked: bool = True
    mode: Mode = "erase"
    properties: Policy = "drop"
    reason: Reason = ""


class ErasureRequest(How, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The people: known ones by `user_id` or `user_ids`, unknown ones by `anonymous_id` or `anonymous_ids`.

    `people` takes both, written `u:<user_id>` and `a:<anonymous_id>`.
    """

    user_id: Identifier = ""
    user_ids: list[Identifier] = []
    anonymous_id: Identifier = ""
    anonymous_ids: list[Identifier] = []
    people_keys: list[str] = msgspec.field(default_factory=list, name="people")

    def people(self) -> list[str]:
        """Everybody once, as `user_key` of the events has them; refuses nobody, too many and ids that are none."""
        users = [_checked("user_ids", one) for one in ([self.user_id] if self.user_id != "" else []) + self.user_ids]
        unknown = [self.anonymous_id] if self.anonymous_id != "" else []
        anonymous = [_checked("anonymous_ids", one) for one in unknown + self.anonymous_ids]
        keys = [checked_key("people", one) for one in self.people_keys]
        found = sorted({*map(of_user, users), *map(of_anonymous, anonymous), *keys})
        if not 1 <= len(found) <= MOST_PEOPLE:
            raise Rejected(
                Refusal.BAD_REQUEST,
                f"{len(found)} people; 1 to {MOST_PEOPLE:,} by `user_id`, `user_ids`, `anonymous_id`, `anonymous_ids`"
                " or `people`",
            )
        return found


class AddressQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What may be said beside the user in the path."""

    reason: Reason = ""


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the job's row says: how many people, how, and a fingerprint that only the same people have."""

    people: int
    fingerprint: str
    reason: str
    linked: bool = True
    mode: Mode = "erase"
    properties: Policy = "drop"


def kept(people: list[str], key: bytes, how: How) -> Kept:
    """The job's row for these people; `key` is the project's."""
    fingerprint = hmac.digest(key, "\n".join(people).encode(), hashlib.sha256).hex()
    return Kept(len(people), fingerprint, how.reason, how.linked, how.mode, how.properties)


def _checked(field: str, given: Identifier) -> str:
    text = str(given)
    if not 1 <= len(text) <= MOST_IDENTIFIER:
        raise Rejected(Refusal.BAD_REQUEST, f"an id of `{field}` has {len(text)} characters; 1 to {MOST_IDENTIFIER}")
    if "\0" in text or not encodable(text):
        raise Rejected(Refusal.BAD_TEXT, f"an id of `{field}`")
    return text
