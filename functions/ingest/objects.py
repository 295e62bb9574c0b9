"""The JSON objects of an event, as the warehouse can hold them: on one line, not too deep, no path or key twice."""

import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from shared.refusals import Refusal, Rejected

_KEY_END = re.compile(rb'"\s*:')
_EMPTY = msgspec.Raw(b"{}")
NULL = msgspec.Raw(b"null")

_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


def checked_object(
    raw: msgspec.Raw | msgspec.UnsetType, what: str, most: int, depth: int
) -> tuple[msgspec.Raw, dict[str, Any], int]:
    """An object that the warehouse can hold, on one line; the same decoded; how many keys are in it at all depths.

    Refuses more than `most` members, more than `depth` levels, a path twice, and what is no object. Absent is `{}`.
    """
    if raw is msgspec.UNSET or raw == NULL:
        return _EMPTY, {}, 0
    try:
        tree = _decode_object(raw)
    except msgspec.ValidationError as error:
        detail = "holds a number that is out of range" if "range" in str(error) else "must be a JSON object"
        refusal = Refusal.BAD_PROPERTIES if "range" in str(error) else Refusal.WRONG_TYPE
        raise Rejected(refusal, f"`{what}` {detail}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Rejected(Refusal.BAD_TEXT, f"`{what}` holds text that is not valid Unicode") from error
    if len(tree) > most:
        raise Rejected(Refusal.TOO_MANY_PROPERTIES, f"`{what}` has {len(tree)}; at most {most}")
    keys, dotted = _count_keys(tree, depth)
    if dotted:
        _refuse_path_conflicts(tree, what)
    data = bytes(raw)
    if b"\n" in data or b"\r" in data:  # between tokens only: inside a text JSON wants them escaped
        data = data.replace(b"\n", b" ").replace(b"\r", b" ")
    return msgspec.Raw(data), tree, keys


def _count_keys(value: dict[str, Any] | list[Any], levels: int) -> tuple[int, bool]:
    """How many keys are in a tree of at most so many levels, and whether any of them holds a dot."""
    if not levels:
        raise Rejected(Refusal.TOO_DEEP, "there are more levels of objects and lists than are allowed")
    inside: Iterable[Any] = value
    count, dotted = 0, False
    if value.__class__ is dict:
        count, dotted, inside = len(value), "." in "".join(value), value.values()
    for inner in inside:
        if inner.__class__ is dict or inner.__class__ is list:
            inner_count, inner_dotted = _count_keys(inner, levels - 1)
            count += inner_count
            dotted = dotted or inner_dotted
    return count, dotted


def _refuse_path_conflicts(value: dict[str, Any] | list[Any], what: str) -> None:
    """Refuse `{"b":{"c":1},"b.c":2}`: both are the path b.c, which the warehouse refuses.

    An object in a list is a document of its own, with its own paths.
    """
    if isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict | list):
                _refuse_path_conflicts(inner, what)
        return
    paths: set[str] = set()

    def walk(value: dict[str, Any], prefix: str) -> None:
        for name, inner in value.items():
            path = prefix + name
            if isinstance(inner, dict) and inner:
                walk(inner, path + ".")
                continue
            if path in paths:
                raise Rejected(Refusal.DUPLICATE_KEY, f"`{what}` gives the path {path!r} twice")
            paths.add(path)
            if isinstance(inner, list):
                _refuse_path_conflicts(inner, what)

    walk(value, "")


def refuse_duplicate_keys(raw: bytes, keys: int) -> None:
    """Compare the keys decoded with the keys written: counting is cheap, only a difference is looked into."""
    spaced = b'" ' in raw or b"\n" in raw or b"\r" in raw or b"\t" in raw
    if not spaced and raw.count(b'":') == keys:
        return
    if len(_KEY_END.findall(raw)) != keys:  # also when a text holds a quote and a colon
        json.loads(raw, object_pairs_hook=_unique_pairs)


def _unique_pairs(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Rejected(Refusal.DUPLICATE_KEY, f"the key {twice!r} is given twice")
