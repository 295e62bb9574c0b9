"""Of whom nothing may be stored any more: people a project erased, and people who withdrew their consent.

The catalog has the truth (shared.catalog.people); `publish` copies it into the warehouse, where batch_write reads it,
so that whoever can write an event can also know whom not to write: there is no third part that may be away. What is
kept are keyed hashes. Whoever reads the warehouse has the key beside them, and can find out of a person they can name
whether they were erased, and of nobody who they are.
"""

import asyncio
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, get_args

import msgspec

from shared.catalog.people import of_anonymous, of_user, person_hash
from shared.clock import Clock
from shared.query.scope import read_sql
from shared.refusals import Refusal, UnavailableError
from shared.warehouse.client import Answer, WarehouseError

Reason = Literal["person_erased", "consent_withdrawn"]
REASONS: tuple[Reason, ...] = get_args(Reason)

# How old what is known may be when an insert begins; an erasure goes on looking for longer than this and an insert.
KNOWN_SECONDS = 5.0
# A line of a kept record whose event was erased: the record keeps its length, and nobody is in it.
ERASED_LINE = b'{"erased":true}'
# Of one payload; in what has more nobody looks, and its content is not kept.
_MOST_TEXTS = 20_000
_PREVIOUS = ("previous_id", "previousId", "alias")
_WORD = re.compile(r"[^\s\"'`,:;{}\[\]()<>=&|\\]+")
_HERE = Path(__file__).parent / "warehouse"


class Reads(Protocol):
    """What is needed of the warehouse to know."""

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Answer: ...


class Inserts(Protocol):
    """What is needed of the warehouse to publish."""

    async def insert_json_lines(self, table: str, lines: bytes) -> None: ...


class Blocked:
    """The people of one project of whom nothing is stored; `people` says of a hash why."""

    def __init__(self, pepper: bytes, people: Mapping[bytes, Reason]) -> None:
        self._pepper = pepper
        self._people = people

    def why(self, keys: Iterable[str]) -> Refusal | None:
        """Why nothing is stored that names these user keys (`u:…`, `a:…`); None where nobody minds."""
        found = {self._people.get(person_hash(self._pepper, key)) for key in keys}
        return next((Refusal(reason) for reason in REASONS if reason in found), None)

    def why_not(self, line: bytes, *, links: bool) -> Refusal | None:
        """The same of a row of `events`; `links`: its event links an earlier id, which its properties name."""
        try:
            row = _rows.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None  # the warehouse says what is wrong with it
        return self.why(_keys(row, links=links))

    def why_not_payload(self, raw: str) -> Refusal | None:
        """The same of what a client sent and was refused: whether any value, or a word where it is no JSON, is an id.

        What is too much to look through is taken to name somebody.
        """
        texts: set[str] = set()
        for text in _texts(raw):
            texts.add(text)
            if len(texts) > _MOST_TEXTS:
                return Refusal.PERSON_ERASED
        return self.why(key for text in texts for key in (of_user(text), of_anonymous(text)))


class Known(NamedTuple):
    """What is known, and of which state of the table."""

    projects: Mapping[str, Blocked]
    state: tuple[Any, ...] = ()


NOBODY = Known({})


class Tombstones:
    """Knows of whom nothing is stored, never longer ago than KNOWN_SECONDS; one read of a short table for that long."""

    def __init__(self, warehouse: Reads, clock: Clock) -> None:
        self._warehouse = warehouse
        self._clock = clock
        self._known = NOBODY
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def now(self) -> Known:
        """Who it is; raises UnavailableError where nobody can say, and then nothing may be stored."""
        async with self._reading:
            at = self._clock.monotonic()
            if self._read_at is None or at - self._read_at > KNOWN_SECONDS:
                try:
                    await self._read()
                except WarehouseError as error:
                    raise UnavailableError(f"the warehouse does not say who was erased: {error}") from error
                self._read_at = at  # before it was asked: it is not younger than that
        return self._known

    async def _read(self) -> None:
        [state] = (await self._warehouse.query(read_sql(_HERE, "refused_people_state"))).rows
        if state == self._known.state:
            return
        rows = (await self._warehouse.query(read_sql(_HERE, "refused_people"))).rows
        self._known = Known(_by_project(rows), state)


def _by_project(rows: Sequence[tuple[Any, ...]]) -> dict[str, Blocked]:
    people: dict[str, dict[bytes, Reason]] = {}
    peppers: dict[str, bytes] = {}
    for project_id, reason, person, pepper in rows:
        project = str(project_id)
        peppers[project] = bytes.fromhex(pepper)
        hashed = bytes.fromhex(person)
        if reason == REASONS[0] or hashed not in people.get(project, ()):
            people.setdefault(project, {})[hashed] = reason
    return {project: Blocked(peppers[project], found) for project, found in people.items()}


async def publish(
    warehouse: Inserts,
    project_id: uuid.UUID,
    pepper: bytes,
    reason: Reason,
    people: Iterable[bytes],
    *,
    active: bool,
    version: int,
) -> None:
    """Tell every batch_write of people, within KNOWN_SECONDS; harmless to repeat.

    `version` is a time in microseconds: of two that say the opposite the later one counts. Raises as the warehouse.
    """
    rows = [
        {
            "project_id": str(project_id),
            "reason": reason,
            "person": person.hex(),
            "pepper": pepper.hex(),
            "active": active,
            "version": version,
        }
        for person in people
    ]
    if rows:
        await warehouse.insert_json_lines("refused_people", msgspec.json.Encoder().encode_lines(rows))


class _Row(msgspec.Struct):
    user_id: str | int | float | None = ""
    anonymous_id: str | int | float | None = ""
    properties_raw: msgspec.Raw = msgspec.Raw(b"{}")


_rows = msgspec.json.Decoder(_Row)


def _keys(row: _Row, *, links: bool) -> Iterator[str]:
    if row.user_id not in ("", None):
        yield of_user(str(row.user_id))
    if row.anonymous_id not in ("", None):
        yield of_anonymous(str(row.anonymous_id))
    if links:
        for earlier in _previous(bytes(row.properties_raw)):
            yield of_user(earlier)
            yield of_anonymous(earlier)


def _previous(properties: bytes) -> list[str]:
    """The ids that an alias event links, under each name that is known for them."""
    try:
        found = msgspec.json.decode(properties, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
    return [str(found[name]) for name in _PREVIOUS if isinstance(found.get(name), str | int)]


def _texts(raw: str) -> Iterator[str]:
    try:
        yield from _values(msgspec.json.decode(raw))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        yield from (match.group() for match in _WORD.finditer(raw))


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)
    elif isinstance(value, str | int | float):
        yield str(value)
