"""What a session can be filtered and broken down by: what it is itself, and what its first event says."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from shared.query.fields import PERSON, SEGMENT, SEGMENT_PREFIX, Field, field
from shared.query.filters import Filter
from shared.refusals import Refusal, Rejected

# Of the columns of shared.query.sessions.Sessions.
OWN: Mapping[str, Field] = MappingProxyType(
    {
        "session.entry_page": Field("session.entry_page", "entry_page", "NULL", "notEmpty(entry_page)"),
        "session.exit_page": Field("session.exit_page", "exit_page", "NULL", "notEmpty(exit_page)"),
        "session.duration": Field("session.duration", "toString(seconds)", "seconds", "true"),
        "session.active": Field("session.active", "toString(active)", "toFloat64(active)", "true"),
        "session.events": Field("session.events", "toString(number)", "toFloat64(number)", "true"),
        "session.bounced": Field("session.bounced", "if(number = 1, 'true', 'false')", "NULL", "true"),
    }
)


def of_session(name: str) -> bool:
    """Whether a field is the session's own, as opposed to its first event's."""
    return name.startswith(("session.", SEGMENT_PREFIX)) or name in {PERSON, SEGMENT}


def own_field(name: str) -> Field:
    """The session's own field of that name; refuses what is none (`unknown_field`)."""
    if name.startswith("session.") and name not in OWN:
        raise Rejected(Refusal.UNKNOWN_FIELD, f"{name!r} is nothing of a session; known are {', '.join(OWN)}")
    return OWN.get(name) or field(name)


def keys_sql(names: Sequence[str]) -> list[str]:
    """The text of each field of a session, NULL where it is absent."""
    inner = [name for name in names if not of_session(name)]
    return [_own_key(name) if of_session(name) else f"tupleElement(first, {inner.index(name) + 2})" for name in names]


def _own_key(name: str) -> str:
    found = own_field(name)
    return f"if({found.present}, toNullable({found.text}), NULL)"


def split(filters: Sequence[Filter]) -> tuple[list[Filter], list[Filter]]:
    """Filters on the first event, and filters on the session itself."""
    own = [one for one in filters if of_session(one.property)]
    return [one for one in filters if not of_session(one.property)], own
