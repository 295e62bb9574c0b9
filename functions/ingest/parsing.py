"""JSON as ingest reads it: refusals instead of errors, bounded before it is taken apart, no key lost unseen."""

import functools
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from shared.refusals import Refusal, Rejected

# Up to so many commas for each event allowed, a list is decoded first and counted then; see `_decode_at_most`.
_COMMAS_AN_EVENT = 50

_HEX = rb"[0-9a-fA-F]{2}"
_HALF_PAIR = re.compile(
    rb"\\u[dD][89abAB]" + _HEX + rb"(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]" + _HEX, re.DOTALL
)
_ESCAPED_BACKSLASH, _STAND_IN = b"\\\\", b"\0\0"

Fields = dict[str, msgspec.Raw]
RawEvent = bytes | msgspec.Raw

_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_fields = msgspec.json.Decoder(Fields).decode


class Limits(NamedTuple):
    """What one request may hold: events, bytes once it is unpacked, and bytes in each event."""

    events: int = 10_000
    request_bytes: int = 10 * 1024 * 1024
    event_bytes: int = 64 * 1024


class Events(msgspec.Struct, frozen=True):
    """The events of a request as sent, in order; they are JSON only as far as somebody had to look.

    `single`: the body was one event and not a list. `key`: the public API key that was found in the body, ''
    without one; it is no longer part of an event. `identities`: for CloudEvents the (source, id) of each. `refused`:
    those that cannot be events, by their place in `raw`; nobody should look at them again. `sent`: what came, where
    `raw` was made of it.
    """

    raw: Sequence[RawEvent]
    single: bool
    key: str = ""
    identities: Sequence[tuple[str, str]] | None = None
    refused: dict[int, Rejected] | None = None
    sent: Sequence[RawEvent] | None = None


def parsed(decoder: Callable[[bytes], Any], text: bytes) -> Any:
    """What the decoder makes of sound JSON; refuses `malformed_json` and `too_deep`, raises ValidationError as it is.

    Where half of a surrogate pair is all that is wrong, it is decoded with a null character in its place.
    """
    try:
        return decoder(text)
    except msgspec.ValidationError:
        raise
    except RecursionError as error:
        raise Rejected(Refusal.TOO_DEEP, "the body is nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        marked = _mark_half_pairs(text)
        if marked != text:
            return parsed(decoder, marked)
        raise malformed(error, text) from error


def malformed(error: Exception, text: bytes) -> Rejected:
    """The refusal of malformed JSON with the byte where it stops making sense."""
    _, _, tail = str(error).partition("(byte ")
    digits = tail.partition(")")[0]
    position = int(digits) if digits.isdecimal() else len(text)
    return Rejected(Refusal.MALFORMED_JSON, f"{error}", position=position)


def _mark_half_pairs(text: bytes) -> bytes:
    """The JSON with a null character for each half of a surrogate pair, which msgspec calls malformed.

    It is sound JSON with a bad text in it: with the null only the event that holds it is refused (`bad_text`).
    """
    if (b"\\ud" not in text and b"\\uD" not in text) or _STAND_IN in text:
        return text
    hidden = text.replace(_ESCAPED_BACKSLASH, _STAND_IN)  # now every backslash begins an escape
    return _HALF_PAIR.sub(rb"\\u0000", hidden).replace(_STAND_IN, _ESCAPED_BACKSLASH)


def elements(text: bytes, most: int) -> Sequence[msgspec.Raw]:
    """The elements of a JSON list, from one to `most` of them; refuses `too_many_events`, `wrong_shape`."""
    if len(text) > most and text.count(b",") > _COMMAS_AN_EVENT * most:
        raw = _decode_at_most(text, most)
    else:
        raw = parsed(_decode_list, text)
    if not raw:
        raise Rejected(Refusal.WRONG_SHAPE, "the list of events is empty")
    if len(raw) > most:
        raise too_many(len(raw), most)
    return raw


def too_many(count: int, most: int) -> Rejected:
    return Rejected(Refusal.TOO_MANY_EVENTS, f"{count} events; at most {most}")


def _decode_at_most(text: bytes, most: int) -> list[msgspec.Raw]:
    """The elements of a list that may have millions: ten megabytes of `1,1,1…` would take 400 in memory."""
    try:
        raw = msgspec.structs.astuple(parsed(_bounded_decoder(most), text))
    except msgspec.ValidationError as error:
        raise Rejected(Refusal.TOO_MANY_EVENTS, f"more than {most} events") from error
    return [element for element in raw if element is not msgspec.UNSET]


@functools.lru_cache(maxsize=1)
def _bounded_decoder(most: int) -> Callable[[bytes], Any]:
    """A list's decoder that stops after so many elements, which msgspec does for structs only."""
    each = msgspec.Raw | msgspec.UnsetType
    fields = [(f"element_{place}", each, msgspec.UNSET) for place in range(most)]
    bounded = msgspec.defstruct("Bounded", fields, array_like=True, forbid_unknown_fields=True)
    return msgspec.json.Decoder(bounded).decode


def members(text: bytes, most: int) -> Fields:
    """The members of a JSON object of at most `most` bytes; refuses a key that is there twice, as no dict can.

    Refuses `event_too_large`, `duplicate_key`, `bad_text` and what `parsed` does; raises ValidationError where it is
    no object.
    """
    if len(text) > most:
        raise Rejected(Refusal.EVENT_TOO_LARGE, f"{len(text)} bytes; at most {most}")
    fields: Fields = parsed(_decode_fields, text)
    if len(msgspec.json.encode(fields)) != len(text):  # spaces between tokens, or a key that is gone
        try:
            json.loads(text, object_pairs_hook=_unique_pairs, parse_int=str, parse_float=str)
        except RecursionError as error:
            raise Rejected(Refusal.TOO_DEEP, "the event is nested too deeply") from error
        except UnicodeDecodeError as error:
            raise Rejected(Refusal.BAD_TEXT, "the event holds text that is not valid Unicode") from error
    return fields


def _unique_pairs(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Rejected(Refusal.DUPLICATE_KEY, f"the key {twice!r} is given twice")
