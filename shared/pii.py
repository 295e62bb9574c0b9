"""PII rules of a project: what of an event is hashed, dropped or cut before anything of it is stored.

A rule finds values by the name of their property, by a pattern on its path, or by a pattern on the value itself; the
first rule of the list that fits a value decides. Patterns are RE2, whose time grows with the text and never explodes.
What a rule has changed, the same rule leaves as it is: an event that is sent or replayed again becomes the same row.
"""

import functools
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from shared.refusals import Refusal, Rejected

Match = Literal["name", "pattern", "value"]
Action = Literal["hash", "drop", "truncate"]

# The event's own fields, which are no properties: a rule could only break what they are for.
IDENTITY = frozenset({"event", "user_id", "anonymous_id", "session_id", "timestamp", "id", "properties", "context"})
_PATTERN_BYTES = 1 << 20
_REMEMBERED = 4_096
_HASHED = re.compile(r"hash:[0-9a-f]{32}")
_NULL = msgspec.Raw(b"null")

Fields = dict[str, msgspec.Raw]
Taken = Callable[[Fields], set[str]]
"""Which keys of an event are its own fields and no properties."""

_decode_fields = msgspec.json.Decoder(Fields).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode


class Rule(msgspec.Struct, frozen=True):
    """One rule. `length` is how many characters `truncate` leaves.

    `text` is, by `match`: a property's name at any depth, or the end of a path with dots; a pattern found in the path;
    a pattern found in the value. All without regard to case.
    """

    match: Match
    text: str
    action: Action
    length: int = 0


def check(rule: Rule) -> None:
    """Refuse a pattern that is none, and a name that no rule may change (`bad_value`)."""
    if rule.match == "name":
        if rule.text.lower() in IDENTITY:
            detail = f"{rule.text!r} is a field of the event itself; what is sent there should name nobody"
            raise Rejected(Refusal.BAD_VALUE, detail)
        return
    import re2  # type: ignore[import-untyped]  # it has no types

    try:
        found = _compiled(rule.text)
    except re2.error as error:
        why = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise Rejected(Refusal.BAD_VALUE, f"`text` is no RE2 pattern: {why[:200]}") from error
    if found.search("") is not None:
        raise Rejected(Refusal.BAD_VALUE, "`text` fits everything, as it fits the empty text")


class Rules:
    """The rules of one project, ready for use; `secret` is the project's own, by which `hash` is keyed."""

    def __init__(self, rules: Sequence[Rule], secret: bytes) -> None:
        self.rules = tuple(rules)
        self._key = hmac.digest(secret, b"pii", hashlib.sha256)
        self._of_path = functools.lru_cache(_REMEMBERED)(self._find)
        self._paths = {rule: _compiled(rule.text) for rule in rules if rule.match == "pattern"}
        self._values = [rule for rule in rules if rule.match == "value"]
        self._finds = _together([rule.text for rule in self._values])

    def cleaned(self, raw: msgspec.Raw, path: str = "") -> bytes | None:
        """A JSON object after the rules; None where they change nothing. Keeps the bytes of all other values."""
        return self._object(raw, path)

    def text(self, path: str, text: str) -> str:
        """A text after the rules, '' where it is dropped."""
        if not text:
            return text
        before = msgspec.Raw(msgspec.json.encode(text))
        after = self._value(before, path)
        return text if after is before else _decode_text(after) if after not in (None, _NULL) else ""

    def covers(self, path: str) -> bool:
        """Whether a rule by name or pattern changes what is at a path."""
        return self._of_path(path.lower()) is not None

    def payload(self, raw: bytes, taken: Taken) -> bytes | None:
        """A refused payload after the rules; None where it is no JSON, of which nobody can say what it holds."""
        try:
            return self._events(raw, taken)
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError):
            return self._lines(raw, taken)

    def _lines(self, raw: bytes, taken: Taken) -> bytes | None:
        lines = raw.splitlines()
        if len(lines) < 2:  # noqa: PLR2004 (one line is no list of them)
            return None
        try:
            return b"\n".join(self._events(line, taken) for line in lines if line.strip())
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError):
            return None

    def _events(self, raw: bytes, taken: Taken) -> bytes:
        """One event, a list of them, or an object around such a list."""
        text = raw.strip()
        if text.startswith(b"["):
            return msgspec.json.encode([msgspec.Raw(self._events(bytes(one), taken)) for one in _decode_list(text)])
        if not text.startswith(b"{"):
            json.loads(text)  # what is no JSON is for nobody to read
            return bytes(self._value(msgspec.Raw(text), "") or _NULL)
        fields, kept = _decode_fields(text), Fields()
        own = taken(fields)
        for name, value in fields.items():
            if bytes(value).startswith(b"[") and name in {"events", "batch"}:
                kept[name] = msgspec.Raw(self._events(bytes(value), taken))
            elif name in own:
                after = self._inside(value, "")
                kept[name] = value if after is None else after
            else:
                found = self._value(value, name)
                if found is not None:
                    kept[name] = found
        return raw if kept == fields and not _has_twice(text) else msgspec.json.encode(kept)

    def _object(self, raw: msgspec.Raw, path: str) -> bytes | None:
        fields = _decode_fields(raw)
        prefix = f"{path}." if path else ""
        changed: dict[str, msgspec.Raw | None] = {}
        for name, value in fields.items():
            after = self._value(value, prefix + name)
            if after is not value:
                changed[name] = after
        if not changed:
            return None
        kept = {name: changed.get(name, value) for name, value in fields.items()}
        return msgspec.json.encode({name: value for name, value in kept.items() if value is not None})

    def _value(self, value: msgspec.Raw, path: str) -> msgspec.Raw | None:
        """A value after the rules: the very same where none changes it, None where it is dropped."""
        rule = self._of_path(path.lower())
        if rule is not None:
            return self._acted(rule, value)
        first = bytes(value)[:1]
        if first in {b"{", b"["}:
            after = self._inside(value, path)
            return value if after is None else after
        if self._values and first not in {b"n", b"t", b"f"}:
            text = _decode_text(value) if first == b'"' else bytes(value).decode()
            if found := self._finds(text):
                return self._acted(self._values[min(found)], value)
        return value

    def _inside(self, value: msgspec.Raw, path: str) -> msgspec.Raw | None:
        """An object or a list after the rules; None where they change nothing."""
        if bytes(value).startswith(b"{"):
            after = self._object(value, path)
            return None if after is None else msgspec.Raw(after)
        if not bytes(value).startswith(b"["):
            return None
        before = _decode_list(value)
        elements = [self._value(one, path) for one in before]
        if all(one is other for one, other in zip(before, elements, strict=True)):
            return None
        return msgspec.Raw(msgspec.json.encode([one for one in elements if one is not None]))

    def _acted(self, rule: Rule, value: msgspec.Raw) -> msgspec.Raw | None:
        """What the action makes of a value: each element of a list by itself, an object as a whole."""
        data = bytes(value)
        if data == b"null":
            return value
        if rule.action == "drop":
            return None
        if data.startswith(b"["):
            before = _decode_list(data)
            after = [self._acted(rule, one) for one in before]
            if all(one is other for one, other in zip(before, after, strict=True)):
                return value
            return msgspec.Raw(msgspec.json.encode([one for one in after if one is not None]))
        if rule.action == "hash":
            text = _decode_text(data) if data.startswith(b'"') else data.decode()
            return value if _HASHED.fullmatch(text) else msgspec.Raw(msgspec.json.encode(self._hash(text)))
        if not data.startswith(b'"'):
            return None  # of a number or an object nothing can be left off
        text = _decode_text(data)
        return value if len(text) <= rule.length else msgspec.Raw(msgspec.json.encode(text[: rule.length]))

    def _hash(self, text: str) -> str:
        return f"hash:{hmac.digest(self._key, text.encode(errors='replace'), hashlib.sha256).hex()[:32]}"

    def _find(self, path: str) -> Rule | None:
        """The first rule by name or pattern that fits a path in lower case."""
        name = path.rpartition(".")[2]
        for rule in self.rules:
            text = rule.text.lower()
            if rule.match == "name" and (text in {name, path} or ("." in text and path.endswith(f".{text}"))):
                return rule
            if rule.match == "pattern" and self._paths[rule].search(path) is not None:
                return rule
        return None


@functools.lru_cache(256)
def _compiled(pattern: str) -> Any:
    import re2

    return re2.compile(pattern, _options())


def _together(patterns: Sequence[str]) -> Callable[[str], Sequence[int]]:
    """Which of the patterns a text holds: in one pass, as every text of every event is looked at."""
    if not patterns:
        return lambda _: ()
    import re2

    found = re2.Set.SearchSet(_options(len(patterns)))
    for pattern in patterns:
        found.Add(pattern)
    found.Compile()
    match: Callable[[str], Sequence[int]] = found.Match
    return match


def _options(patterns: int = 1) -> Any:
    import re2

    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = _PATTERN_BYTES * patterns
    return options


def is_hashed(text: str) -> bool:
    """Whether a text is what `hash` leaves."""
    return _HASHED.fullmatch(text) is not None


def taken_by(spellings: Mapping[str, Sequence[str]]) -> Taken:
    """Which keys of an event are its own fields, where each may be spelt in several ways: the first that is there."""

    def taken(fields: Fields) -> set[str]:
        found: set[str] = set()
        for field, names in spellings.items():
            own = next((name for name in names if name in fields and fields[name] != _NULL), None)
            if own is not None and field != "url":
                found.add(own)
        return found

    return taken


def _has_twice(text: bytes) -> bool:
    """Whether an object of a JSON text gives a key twice: the one that is lost may be the one that matters."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise _TwiceError
        return found

    try:
        json.loads(text, object_pairs_hook=once, parse_int=str, parse_float=str)
    except _TwiceError:
        return True
    return False


class _TwiceError(Exception):
    """A key is given twice."""
