"""What is changed in a refused event before it is sent again: its fields renamed, cast, set and dropped.

A path names fields from the event as it was sent (`properties.price`). What no edit touches keeps its bytes: a number
is written as it was. An edit whose field is not there changes nothing.
"""

import json
import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from shared.refusals import Refusal, Rejected

MOST_EDITS = 50
_DEEPEST = 32

Fields = dict[str, msgspec.Raw]
Path = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
_decode_fields = msgspec.json.Decoder(Fields).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})


class Rename(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="rename"):
    """Move a field elsewhere; one that is there already stays."""

    field: Path
    to: Path


class Cast(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="cast"):
    """Write a text or number as another type; what cannot be read as one stays as it is."""

    field: Path
    to: Literal["text", "integer", "number", "boolean"]


class Set(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="set"):
    """Give a field a value, or with `only_missing` only where it has none."""

    field: Path
    value: msgspec.Raw
    only_missing: bool = False


class Drop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="drop"):
    """Leave a field out."""

    field: Path


Edit = Rename | Cast | Set | Drop


def check(edits: Sequence[Edit]) -> None:
    """Refuse edits that could never be applied (`bad_value`)."""
    if len(edits) > MOST_EDITS:
        raise Rejected(Refusal.BAD_VALUE, f"{len(edits)} edits; at most {MOST_EDITS}")
    for edit in edits:
        for path in (edit.field, getattr(edit, "to", "x") if isinstance(edit, Rename) else "x"):
            steps = path.split(".")
            if not all(steps) or len(steps) > _DEEPEST or "\0" in path:
                raise Rejected(Refusal.BAD_VALUE, f"{path!r} is no path: names with dots between them")
        if isinstance(edit, Rename) and (edit.to == edit.field or edit.to.startswith(f"{edit.field}.")):
            raise Rejected(Refusal.BAD_VALUE, f"{edit.field!r} cannot be moved into itself")


def edited(raw: bytes, edits: Sequence[Edit]) -> bytes:
    """The payload after the edits, which go for each event where it is a list of them or an object around one.

    Refuses what is no JSON (`malformed_json`) and a key that is there twice (`duplicate_key`): of two values nobody
    could say which is meant.
    """
    if not edits:
        return raw
    try:
        json.loads(raw, object_pairs_hook=_once, parse_int=str, parse_float=str)
        return _payload(msgspec.Raw(raw.strip()), edits)
    except RecursionError as error:
        raise Rejected(Refusal.TOO_DEEP, "the payload is nested too deeply") from error
    except (ValueError, msgspec.MsgspecError) as error:  # JSON's and Unicode's errors are ValueErrors
        raise Rejected(Refusal.MALFORMED_JSON, f"the payload is no JSON, and cannot be edited: {error}") from error


def _payload(raw: msgspec.Raw, edits: Sequence[Edit]) -> bytes:
    data = bytes(raw)
    if data.startswith(b"["):
        return msgspec.json.encode([msgspec.Raw(_payload(one, edits)) for one in _decode_list(data)])
    if not data.startswith(b"{"):
        return data
    fields = _decode_fields(data)
    for name in ("events", "batch"):
        if name in fields and bytes(fields[name]).startswith(b"["):
            fields[name] = msgspec.Raw(_payload(fields[name], edits))
            return msgspec.json.encode(fields)
    for edit in edits:
        _apply(fields, edit)
    return msgspec.json.encode(fields)


def _apply(fields: Fields, edit: Edit) -> None:
    steps = edit.field.split(".")
    match edit:
        case Drop():
            _take(fields, steps)
        case Set():
            if not (edit.only_missing and _get(fields, steps) is not None):
                _put(fields, steps, msgspec.Raw(bytes(edit.value)))
        case Cast():
            before = _get(fields, steps)
            if before is not None and (after := _cast(before, edit.to)) is not None:
                _put(fields, steps, after)
        case Rename():
            to = edit.to.split(".")
            if _get(fields, steps) is not None and _get(fields, to) is None:
                moved = _take(fields, steps)
                if moved is not None:
                    _put(fields, to, moved)


def _get(fields: Fields, steps: Sequence[str]) -> msgspec.Raw | None:
    """The value at a path; None where there is none, or null."""
    value = fields.get(steps[0])
    if value is None or bytes(value) == b"null":
        return None
    if len(steps) == 1:
        return value
    return _get(_decode_fields(value), steps[1:]) if bytes(value).startswith(b"{") else None


def _take(fields: Fields, steps: Sequence[str]) -> msgspec.Raw | None:
    """Remove what is at a path, and return it."""
    if len(steps) == 1:
        return fields.pop(steps[0], None)
    value = fields.get(steps[0])
    if value is None or not bytes(value).startswith(b"{"):
        return None
    inner = _decode_fields(value)
    taken = _take(inner, steps[1:])
    if taken is not None:
        fields[steps[0]] = msgspec.Raw(msgspec.json.encode(inner))
    return taken


def _put(fields: Fields, steps: Sequence[str], value: msgspec.Raw) -> None:
    """Set what is at a path, through objects that are made where there are none; what is no object is replaced."""
    if len(steps) == 1:
        fields[steps[0]] = value
        return
    held = fields.get(steps[0])
    inner = _decode_fields(held) if held is not None and bytes(held).startswith(b"{") else {}
    _put(inner, steps[1:], value)
    fields[steps[0]] = msgspec.Raw(msgspec.json.encode(inner))


def _cast(value: msgspec.Raw, to: str) -> msgspec.Raw | None:
    """The value as another type; None where it cannot be read as one."""
    data = bytes(value)
    if data[:1] in {b"{", b"["}:
        return None
    text = msgspec.json.decode(data, type=str) if data.startswith(b'"') else data.decode()
    return _READ[to](text.strip() if to != "text" else text)


def _integer(text: str) -> msgspec.Raw | None:
    sign, digits = text[:1] in {"-", "+"}, text.lstrip("+-")
    if not digits.isdecimal() or not digits.isascii() or len(text) - len(digits) > sign:
        number = _finite(text)
        return None if number is None or not number.is_integer() else msgspec.Raw(b"%d" % int(number))
    return msgspec.Raw(b"%d" % int(text))


def _number(text: str) -> msgspec.Raw | None:
    number = _finite(text)
    if number is None:
        return None
    try:
        json.loads(text)
    except ValueError:  # what Python reads and JSON does not: +1, 1_000, .5
        return msgspec.Raw(msgspec.json.encode(number))
    return msgspec.Raw(text.encode())


def _finite(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _boolean(text: str) -> msgspec.Raw | None:
    lowered = text.lower()
    return msgspec.Raw(b"true") if lowered in _TRUE else msgspec.Raw(b"false") if lowered in _FALSE else None


def _text(text: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(text))


_READ = {"integer": _integer, "number": _number, "boolean": _boolean, "text": _text}


def _once(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        detail = f"the key {twice!r} is given twice: nobody can say which is meant"
        raise Rejected(Refusal.DUPLICATE_KEY, detail)
