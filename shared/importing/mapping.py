"""From a row of somebody's file to an event of ours, without touching the bytes of a value."""

import json
import re
from collections.abc import Collection
from typing import Any, NamedTuple

import msgspec

from shared.refusals import Refusal, Rejected

# What a row's own field of that name means when nothing else is mapped to it.
OWN_FIELDS = ("event", "user_id", "anonymous_id", "session_id", "timestamp", "properties")
# What can be mapped besides: a row's `id`, `sent_at` or `context` is rarely what we mean by it.
FIELDS = (*OWN_FIELDS, "id", "sent_at", "context")

_ASSIGNMENT = re.compile(r"""\s*([A-Za-z_]\w*)\s*=\s*('[^']*'|"[^"]*"|[^,]*?)\s*(?:,|$)""")
_QUOTES = "'\""
_SHOWN_COLUMNS = 30
_NULL = msgspec.Raw(b"null")

Fields = dict[str, msgspec.Raw]
_decode_fields = msgspec.json.Decoder(Fields).decode
_encode = msgspec.json.Encoder().encode


class MappingError(Exception):
    """The mapping cannot be understood, or names a column that the file does not have; the message says what can be."""


class _Origin(NamedTuple):
    """Where a field comes from: a path in the row, or a constant."""

    path: str
    constant: msgspec.Raw | None


class Mapping:
    """Says for each of our fields which field of a row it is; what is not mapped goes into the properties.

    `asked` are the paths that somebody mapped, by field; `found` gets those of our fields that a row had.
    """

    def __init__(self, origins: dict[str, _Origin], asked: Collection[str] = ()) -> None:
        self._origins = origins
        self.asked = {field: origins[field].path for field in asked if origins[field].constant is None}
        self.found: set[str] = set()

    def require_columns(self, columns: dict[str, str]) -> None:
        """Raises MappingError if a path that was asked for can be in no row that has these columns (DuckDB's types)."""
        for field, path in self.asked.items():
            head, _, tail = path.partition(".")
            if path not in columns and not (tail and columns.get(head) == "JSON"):
                names = ", ".join(list(columns)[:_SHOWN_COLUMNS]) + ", …" * (len(columns) > _SHOWN_COLUMNS)
                raise MappingError(f"there is no column {path!r} for {field}; the columns are {names}")

    def event(self, line: bytes, event_id: str, *, nulls: bool = True) -> bytes:
        """The event of one row as JSON; `event_id` is its id unless an id is mapped.

        Every value keeps its bytes; a property that is null stays one, unless `nulls` is false. A mapped top-level
        field leaves the properties, one found by a dotted path stays in them too. Raises Rejected: not JSON, not
        an object, a key twice, no name, no timestamp.
        """
        row = decode_row(line)
        event: dict[str, Any] = {"id": event_id}
        taken: set[str] = set()
        for field, origin in self._origins.items():
            value = origin.constant or _find(row, origin.path)
            if value is not None and (field != "properties" or _is_object(value)):
                event[field] = value
                taken.add(origin.path)
                self.found.add(field)
        _require(event)
        rest = {name: value for name, value in row.items() if name not in taken}
        if not nulls:
            rest = {name: value for name, value in rest.items() if value != _NULL}
        event["properties"] = _merged(event.get("properties"), rest)
        return _encode(event)


def parse_mapping(texts: list[str], *, event: str = "", named: Collection[str] = ()) -> Mapping:
    """The mapping of `field=path,field='constant'` texts, `event` a constant name; raises MappingError.

    `named` are fields beyond OWN_FIELDS that a select list gives on purpose: they mean themselves too.
    """
    origins = {field: _Origin(field, None) for field in FIELDS if field in OWN_FIELDS or field in named}
    asked: set[str] = set()
    for text in texts:
        for field, value in _assignments(text):
            if field not in FIELDS:
                raise MappingError(f"{field!r} cannot be mapped; the fields are {', '.join(FIELDS)}")
            origins[field] = _origin(value, text)
            asked.add(field)
    if event:
        origins["event"] = _Origin("", msgspec.Raw(_encode(event)))
    return Mapping(origins, sorted(asked))


def _assignments(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while at < len(text):
        match = _ASSIGNMENT.match(text, at)
        if match is None:
            raise MappingError(f"cannot read the mapping at {text[at:]!r}; write FIELD=PATH,FIELD='constant'")
        found.append((match[1], match[2]))
        at = match.end()
    return found


def _origin(value: str, text: str) -> _Origin:
    if value[:1] and value[0] in _QUOTES:
        return _Origin("", msgspec.Raw(_encode(value[1:-1])))
    if not value:
        raise MappingError(f"a field is mapped to nothing in {text!r}")
    return _Origin(value, None)


def decode_row(line: bytes) -> Fields:
    """The fields of one JSON object as they are written; refuses what is none, or names a key twice."""
    try:
        row = _decode_fields(line)
    except msgspec.ValidationError as error:
        hint = " (--format json reads a list of them)" if line.startswith(b"[") else ""
        raise Rejected(Refusal.NOT_AN_OBJECT, f"a line must be one JSON object{hint}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Rejected(Refusal.MALFORMED_JSON, str(error)) from error
    except RecursionError as error:
        raise Rejected(Refusal.TOO_DEEP, "the line is nested too deeply") from error
    if len(_encode(row)) != len(line):  # spaces, escapes in keys, or a key that stood there twice
        _refuse_repeated_keys(line)
    return row


def _refuse_repeated_keys(line: bytes) -> None:
    try:
        json.loads(line, object_pairs_hook=_unique_names, parse_int=str, parse_float=str)
    except UnicodeDecodeError as error:
        raise Rejected(Refusal.BAD_TEXT, "the line is not valid UTF-8") from error
    except RecursionError as error:
        raise Rejected(Refusal.TOO_DEEP, "the line is nested too deeply") from error


def _unique_names(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise Rejected(Refusal.DUPLICATE_KEY, f"the key {name!r} is given twice")
        seen.add(name)


def _find(row: Fields, path: str) -> msgspec.Raw | None:
    """The value at a path, a whole key first and then dot by dot; None where it is absent or null."""
    value = row.get(path)
    if value is None and "." in path:
        head, _, tail = path.partition(".")
        inner = row.get(head)
        value = _find(_decode_fields(inner), tail) if inner is not None and _is_object(inner) else None
    return None if value is None or value == _NULL else value


def _is_object(value: msgspec.Raw) -> bool:
    return bytes(memoryview(value)[:1]) == b"{"


def _require(event: dict[str, Any]) -> None:
    """Refuse a row the server would name or date by itself: importing it again would make another event."""
    if "event" not in event:
        raise Rejected(Refusal.NAME_MISSING, "no event name; give --event NAME, --map event=FIELD or one in --select")
    if "timestamp" not in event:
        raise Rejected(
            Refusal.BAD_TIMESTAMP,
            "no timestamp; give --map timestamp=FIELD, or timestamp='2026-01-31T12:00:00Z', or one in --select",
        )


def _merged(properties: msgspec.Raw | None, rest: Fields) -> msgspec.Raw | Fields:
    if properties is None or not rest:
        return properties if properties is not None else rest
    inside = _decode_fields(properties)
    for name in inside.keys() & rest.keys():
        raise Rejected(Refusal.DUPLICATE_KEY, f"{name!r} stands at the top level and in the properties")
    return inside | rest
