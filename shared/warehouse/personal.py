"""Where a person is found in the warehouse: conditions on events, and rejected payloads read one by one."""

import base64
import binascii
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec

from shared.query.parameters import Parameters, chunks
from shared.query.scope import read_sql
from shared.subjects import split
from shared.warehouse.client import Warehouse
from shared.warehouse.deletion import Rows, Table

_HERE = Path(__file__).parent
# What names a person besides events, and the file of the condition.
_NAMED: tuple[tuple[Table, str], ...] = (
    ("identity_events", "of_identity"),
    ("identity_merges", "of_merges"),
    ("user_sessions", "of_keys"),
    ("segment_lists", "of_keys"),
    ("segment_members", "of_members"),
)


def events_of(project_id: uuid.UUID, people: Sequence[str]) -> tuple[list[Rows], list[Rows]]:
    """Conditions that together are on every event of these people, all repeats of each; and on events that name them.

    By `user_id`, which is part of the key; by `anonymous_id` also events of a known user that hold it. That one is no
    part of the key then, so what has any repeat with it is named by its whole key. Others name them where they link one
    of them: an alias has an earlier id among its properties.
    """
    users, anonymous = split(people)
    own = [
        *(_rows("events", "of_users", project_id, ids=ids) for ids in chunks(users)),
        *(_rows("events", "of_anonymous", project_id, ids=ids) for ids in chunks(anonymous)),
    ]
    return own, [_rows("events", "of_links", project_id, keys=keys) for keys in chunks(people)]


def identity_of(project_id: uuid.UUID, people: Sequence[str]) -> list[Rows]:
    """Conditions that together are on all else that names these people: links, profiles, sessions, segments."""
    return [_rows(table, name, project_id, keys=keys) for keys in chunks(people) for table, name in _NAMED]


def _rows(table: Table, name: str, project_id: uuid.UUID, **listed: list[str]) -> Rows:
    """The rows of a condition's file; what it lists is an array of texts under the name that the file has for it."""
    parameters = Parameters()
    project = parameters.bind("UUID", str(project_id))
    bound = {name: parameters.bind("Array(String)", values) for name, values in listed.items()}
    return Rows(table, read_sql(_HERE, name, project=project, **bound), parameters.values)


def rejected_of(
    warehouse: Warehouse, project_id: uuid.UUID, people: Sequence[str], check: Callable[[], None]
) -> list[Rows]:
    """Conditions on the rejected events that hold one of these people's ids. Blocks."""
    users, anonymous = split(people)
    ids = sorted({*users, *anonymous})
    keys: set[str] = set()
    for some in chunks(ids):
        parameters = Parameters()
        sql = read_sql(
            _HERE,
            "rejected_candidates",
            project=parameters.bind("UUID", str(project_id)),
            ids=parameters.bind("Array(String)", some),
        )
        holds = holder(some)

        def read(stream: IO[bytes], holds: "Callable[[str, str], bool]" = holds) -> None:
            for line in lines_of(stream):
                check()
                key, raw, encoding = msgspec.json.decode(line, type=tuple[str, str, str])
                if holds(raw, encoding):
                    keys.add(key)

        warehouse.read(sql, parameters.values, "JSONCompactEachRow", read)
    return [_rows("rejected_events", "rejected_keys", project_id, keys=some) for some in chunks(sorted(keys))]


def lines_of(stream: IO[bytes]) -> Iterator[bytes]:
    """The lines of a stream that is read piece by piece."""
    rest = b""
    while piece := stream.read(1 << 20):
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    if rest:
        yield rest


def holder(ids: Iterable[str]) -> Callable[[str, str], bool]:
    """A check whether a refused payload (text or base64) holds one of the ids.

    Of JSON: whether a value is one, as text or number. Of what is no whole JSON: whether one stands in it as a word.
    """
    wanted = frozenset(ids)
    words = re.compile(rb"(?<![\w-])(?:%s)(?![\w-])" % b"|".join(re.escape(one.encode()) for one in sorted(wanted)))

    def holds(raw: str, encoding: str) -> bool:
        try:
            data = base64.b64decode(raw) if encoding == "base64" else raw.encode()
        except (ValueError, binascii.Error):
            data = raw.encode()
        try:
            return _has(msgspec.json.decode(data), wanted)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return words.search(data) is not None

    return holds


def _has(value: Any, wanted: frozenset[str]) -> bool:
    if isinstance(value, dict):
        return any(_has(one, wanted) for one in value.values()) or not wanted.isdisjoint(value)
    if isinstance(value, list):
        return any(_has(one, wanted) for one in value)
    return str(value) in wanted if isinstance(value, str | int | float) else False
