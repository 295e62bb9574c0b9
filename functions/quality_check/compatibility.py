"""Whether a new version of a schema keeps the promise of its events: what is proven, and what breaks it.

`backward`: all that was right under the old version is right under the new one, so what is stored stays right.
`forward`: all that is right under the new one was right under the old one, so readers of the old one go on.
The proof is jsonschema-rs's of canonical forms; what it can neither prove nor refute part by part counts as broken.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

Compatibility = Literal["none", "backward", "forward", "full"]
_MOST = 20
_DEFINITIONS = ("$defs", "definitions", "$schema")
_ABSENT: dict[str, Any] = {}
# Where nothing is proven, one of these may show that there is a difference.
_WITNESSES: tuple[Any, ...] = (0, 1, -1, 0.5, 1e12, "", "a", "0", "a" * 300, True, None, [], ["a"], [1, 1], {})


class SchemaBreak(msgspec.Struct, frozen=True):
    """One thing that breaks a promise: where in the properties, which promise, and what it is.

    `required`: must be there in the narrower version and not in the other; `closed`: names that are not listed are
    refused; `narrower`: fewer values are taken; `unproven`: nobody could show that it is not.
    """

    path: str
    breaks: Literal["backward", "forward"]
    change: Literal["required", "closed", "narrower", "unproven"]


def breaks(old: Mapping[str, Any], new: Mapping[str, Any], promise: Compatibility) -> list[SchemaBreak]:
    """What of the promise the new version does not keep; none where it keeps it."""
    old, new = ({"type": "object", **schema} for schema in (old, new))  # properties are nothing else
    found: list[SchemaBreak] = []
    if promise in {"backward", "full"}:
        found += [SchemaBreak(path, "backward", change) for path, change in _refused(old, new)]
    if promise in {"forward", "full"}:
        found += [SchemaBreak(path, "forward", change) for path, change in _refused(new, old)]
    return found[:_MOST]


Change = Literal["required", "closed", "narrower", "unproven"]


def _refused(wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> list[tuple[str, Change]]:
    """What `narrow` refuses of what `wide` takes."""
    verdict = _covers(narrow, wide)
    if verdict == "yes":
        return []
    found = list(_walk("", wide, narrow, wide, narrow))
    if found or (verdict == "unknown" and _only_properties_differ(wide, narrow)):
        return found
    return [("", "narrower" if verdict == "no" else "unproven")]


def _walk(
    path: str, wide: Mapping[str, Any], narrow: Mapping[str, Any], all_wide: Mapping[str, Any], all_narrow: Any
) -> Iterator[tuple[str, Change]]:
    """Property by property, into objects."""
    required = set(narrow.get("required", ())) - set(wide.get("required", ()))
    for name in sorted(required):
        yield _below(path, name), "required"
    wider, narrower = wide.get("properties", _ABSENT), narrow.get("properties", _ABSENT)
    if narrow.get("additionalProperties", True) is False:
        if wide.get("additionalProperties", True) is not False:
            yield path, "closed"
        for name in sorted(wider.keys() - narrower.keys()):
            yield _below(path, name), "closed"
    for name in sorted(narrower):
        before = wider.get(name, wide.get("additionalProperties", True))
        after = narrower[name]
        outer, inner = _within(after, all_narrow), _within(before, all_wide)
        if before is False or outer == inner or (verdict := _covers(outer, inner)) == "yes":
            continue
        both = isinstance(before, dict) and isinstance(after, dict)
        inside = list(_walk(_below(path, name), before, after, all_wide, all_narrow)) if both else []
        yield from inside or [(_below(path, name), "narrower" if verdict == "no" else "unproven")]


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _within(part: Any, root: Mapping[str, Any]) -> Any:
    """A part with the definitions its references name."""
    if not isinstance(part, dict):
        return part
    return {**{name: root[name] for name in _DEFINITIONS if name in root}, **part}


def _only_properties_differ(wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
    """Whether the walk has compared all there is to compare."""
    walked = {"properties", "required", "additionalProperties", "title", "description", "examples", "$comment"}
    one, other = (
        {key: value for key, value in schema.items() if key not in walked and not key.startswith("x-")}
        for schema in (wide, narrow)
    )
    return one == other and not any(isinstance(schema.get("additionalProperties"), dict) for schema in (wide, narrow))


def _covers(outer: Any, inner: Any) -> Literal["yes", "no", "unknown"]:
    """Whether all values of `inner` are values of `outer`."""
    import jsonschema_rs

    options: dict[str, Any] = {
        "offline": True,
        "validate_formats": True,
        "pattern_options": jsonschema_rs.RegexOptions(),
    }
    answer = jsonschema_rs.canonicalize(outer, **options).covers(jsonschema_rs.canonicalize(inner, **options))
    if answer is jsonschema_rs.canonical.Containment.YES:
        return "yes"
    if answer is jsonschema_rs.canonical.Containment.NO:
        return "no"
    taken, kept = (jsonschema_rs.validator_for(one, **options).is_valid for one in (inner, outer))
    return "no" if any(taken(value) and not kept(value) for value in _WITNESSES) else "unknown"
