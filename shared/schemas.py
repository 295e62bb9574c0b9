"""JSON Schemas of events: what a project says the properties of an event look like, checked and made ready for use.

Ingest and quality_check judge by the same code. A schema is written by people of a project and runs in a process that
all projects share, so it is bounded when it is saved: no address is fetched, patterns are of a linear engine, `$ref`
stays inside the schema and goes in no circle, and written out in full it has at most MOST_NODES parts.
"""

import json
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote

import msgspec

from shared.refusals import Refusal, Rejected

Mode = Literal["observe", "warn", "reject"]
MOST_BYTES = 64 * 1024
MOST_NODES = 2_000
MOST_DEPTH = 32
_MOST_SHOWN = 5
_MOST_TEXT = 300
DRAFT = "https://json-schema.org/draft/2020-12/schema"
_DRAFTS = frozenset({DRAFT, "http://json-schema.org/draft-07/schema", "http://json-schema.org/draft-07/schema#"})
# Keywords by what they hold. Any other is refused: a validator would pass over a misspelt one in silence.
_ONE = frozenset(
    {"items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else", "additionalItems"}
)
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems", "items"})
_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_VALUES = frozenset(
    {
        *("type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"),
        *("maxLength", "minLength", "pattern", "format", "maxItems", "minItems", "uniqueItems", "maxContains"),
        *("minContains", "maxProperties", "minProperties", "required", "dependentRequired", "title", "description"),
        *("default", "deprecated", "readOnly", "writeOnly", "examples", "$comment", "$schema", "$ref"),
    }
)
_ELSEWHERE = {
    "$id": "leave it out: a schema here has one place",
    "$anchor": "name the part by its path: #/$defs/name",
    "$dynamicRef": "write a `$ref` to #/$defs/name",
    "$recursiveRef": "write a `$ref` to #/$defs/name",
    "unevaluatedProperties": "write `additionalProperties`",
    "unevaluatedItems": "write `items`",
    "dependencies": "write `dependentRequired` or `dependentSchemas`",
}
_DEFINITIONS = frozenset({"$defs", "definitions"})

JsonObject = dict[str, Any]


class Violation(NamedTuple):
    """What of an event breaks its schema: where in the properties, which keyword of the schema says so, and how."""

    path: str
    keyword: str
    detail: str


class Compiled:
    """A schema as it is kept, one that `checked` took; made ready at its first use, which takes a millisecond."""

    __slots__ = ("_ready", "_schema")

    def __init__(self, schema: str) -> None:
        self._schema = schema
        self._ready: Any = None

    @property
    def _validator(self) -> Any:
        if self._ready is None:
            self._ready = _validator(msgspec.json.decode(self._schema))
        return self._ready

    def holds(self, properties: JsonObject) -> bool:
        """Whether the properties are as the schema says: about a microsecond."""
        return bool(self._validator.is_valid(properties))

    def violations(self, properties: JsonObject, most: int = _MOST_SHOWN) -> list[Violation]:
        """The first few things that are not; none where it holds."""
        found = []
        for error in self._validator.iter_errors(properties):
            path = ".".join(map(str, error.instance_path))
            found.append(Violation(path, error.kind.name, _shortened(error.message)))
            if len(found) == most:
                break
        return found


def said(violations: list[Violation]) -> str:
    """Violations in a line: `properties.price: "1" is not of type "number"`."""
    return "; ".join(f"properties{'.' + one.path if one.path else ''}: {one.detail}" for one in violations)


def checked(raw: bytes) -> JsonObject:
    """A schema of an event's properties; refuses what is none or could harm (`bad_schema`).

    It describes an object. `format` is asserted, and must be one that is known.
    """
    if len(raw) > MOST_BYTES:
        raise bad("", f"it has {len(raw)} bytes; at most {MOST_BYTES}: leave out examples, or allow more at once")
    schema = _read(raw)
    if schema.get("$schema", DRAFT) not in _DRAFTS:
        raise bad("$schema", f"is {schema['$schema']!r}; take {DRAFT}, draft-07, or leave it out")
    if schema.get("type", "object") != "object":
        raise bad("type", "must be `object`: a schema here describes the properties of an event")
    nodes = _Nodes(schema)
    nodes.size(schema, "", 0)
    _compile(schema)
    return schema


def bad(path: str, detail: str) -> Rejected:
    """The refusal of a schema: `path` is where in it."""
    return Rejected(Refusal.BAD_SCHEMA, f"`{path}` {detail}" if path else detail, path=path)


def _read(raw: bytes) -> JsonObject:
    try:
        schema = msgspec.json.decode(raw, type=dict[str, Any])
        json.loads(raw, object_pairs_hook=_once)
    except msgspec.ValidationError as error:
        raise bad("", "a schema is a JSON object") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad("", f"it is not JSON: {error}") from error
    return schema


def _once(pairs: list[tuple[str, Any]]) -> JsonObject:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise bad(twice, "is there twice")
    return found


class _Nodes:
    """Walks a schema with its references written out, and counts its parts, each definition once."""

    def __init__(self, root: JsonObject) -> None:
        self._root = root
        self._sizes: dict[str, int] = {}
        self._inside: list[str] = []

    def size(self, node: Any, path: str, depth: int) -> int:
        """How many parts a schema has, written out."""
        if isinstance(node, bool):
            return 1
        if not isinstance(node, dict):
            raise bad(path, "must be a schema: an object, true or false")
        if depth > MOST_DEPTH:
            raise bad(path, f"is nested more than {MOST_DEPTH} levels deep")
        count = 1 + sum(self.size(part, at, depth + 1) for at, part in self._parts(node, path))
        if "$ref" in node:
            count += self._referred(node["$ref"], path, depth)
        if count > MOST_NODES:
            raise bad(path, f"with all `$ref` written out it has more than {MOST_NODES} parts: make it simpler")
        return count

    def _parts(self, node: JsonObject, path: str) -> Iterator[tuple[str, Any]]:
        for keyword, value in node.items():
            at = f"{path}/{keyword}" if path else keyword
            if keyword in _ELSEWHERE:
                raise bad(at, f"is not taken here; {_ELSEWHERE[keyword]}")
            if keyword in _LISTS and isinstance(value, list):
                yield from ((f"{at}/{index}", part) for index, part in enumerate(value))
            elif keyword in _ONE:
                yield at, value
            elif keyword in _NAMED and isinstance(value, dict):
                yield from ((f"{at}/{name}", part) for name, part in value.items())
            elif keyword not in _VALUES and keyword not in _LISTS | _NAMED and not keyword.startswith("x-"):
                raise bad(at, "is no keyword of JSON Schema; one of your own begins with `x-`")

    def _referred(self, target: Any, path: str, depth: int) -> int:
        at = f"{path}/$ref" if path else "$ref"
        if not isinstance(target, str) or not target.startswith("#/"):
            shown = str(target)[:100]
            raise bad(at, f"is {shown!r}: only parts of this schema can be named, as #/$defs/name; nothing is fetched")
        if target in self._inside:
            raise bad(at, f"goes in a circle: {' → '.join([*self._inside, target])}")
        if target not in self._sizes:
            self._inside.append(target)
            self._sizes[target] = self.size(self._at(target, at), target, depth + 1)
            self._inside.pop()
        return self._sizes[target]

    def _at(self, target: str, path: str) -> Any:
        found: Any = self._root
        for part in target[2:].split("/"):
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or name not in found:
                raise bad(path, f"is {target[:100]!r}, and there is no such part")
            found = found[name]
        return found


def _compile(schema: JsonObject) -> None:
    import jsonschema_rs

    try:
        _validator(schema)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        path = "/".join(map(str, getattr(error, "instance_path", ())))
        detail = _shortened(getattr(error, "message", str(error)))
        if path.endswith("pattern") or "/patternProperties" in f"/{path}":
            detail += "; a pattern is RE2-like: without look-around and back references, and not too large"
        raise bad(path, detail) from error


def _validator(schema: JsonObject) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(
        schema,
        offline=True,
        validate_formats=True,
        ignore_unknown_formats=False,
        pattern_options=jsonschema_rs.RegexOptions(),
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"
