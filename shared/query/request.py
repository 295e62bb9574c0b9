"""A query as it arrives: JSON by POST, or the same names in the address by GET."""

import json
import re
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from shared.http import Request
from shared.refusals import Refusal, Rejected

QueryT = TypeVar("QueryT", bound=msgspec.Struct)

MAX_QUERY_BYTES = 256 * 1024

# How the fields that are no single values are written in an address.
_LISTS = frozenset({"events", "users", "columns", "hold", "exclude_events", "models"})
_ONE_OR_MORE = frozenset({"by", "group_by"})
_ACTS = ("steps", "exclude", "start", "end", "returning", "act", "conversion", "touch", "did")
_TREES = {**dict.fromkeys((*_ACTS, "brackets"), Refusal.BAD_REQUEST), "filters": Refusal.BAD_FILTER}
_MAY_BE_EMPTY = _LISTS | _ONE_OR_MORE | {"filters", "compare"}


async def read_question(request: Request, query_type: type[QueryT]) -> QueryT:
    """The query of a request: its JSON body by POST, its address by GET; refuses what those refuse."""
    if request.method == "POST":
        return from_json(await request.body(MAX_QUERY_BYTES), query_type)
    return from_address(request.address.partition("?")[2], query_type)


def from_json(body: bytes, query_type: type[QueryT]) -> QueryT:
    """The query in a JSON body; refuses malformed JSON, and unknown, ill-typed or repeated fields by name."""
    try:
        query = msgspec.json.decode(body, type=query_type)
        json.loads(body, object_pairs_hook=_once, parse_int=str, parse_float=str)
    except msgspec.ValidationError as error:
        raise _refused(error, query_type) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected(Refusal.MALFORMED_JSON, str(error)) from error
    return query


def from_address(query_string: str, query_type: type[QueryT]) -> QueryT:
    """The query in an address's query string: lists comma-separated; `filters`, `steps` and the like as JSON texts.

    An empty list is an absent one. Refuses what from_json refuses, repeated names too.
    """
    found = _once(parse_qsl(query_string, keep_blank_values=True))
    for name, value in list(found.items()):
        if not value and name in _MAY_BE_EMPTY:
            del found[name]
        elif name in _LISTS or (name in _ONE_OR_MORE and "," in value):
            found[name] = value.split(",")
        elif name in _TREES or (name == "compare" and value.startswith("{")):
            found[name] = _json(name, value, _TREES.get(name, Refusal.BAD_REQUEST))
    try:
        return msgspec.convert(found, query_type, strict=False)
    except msgspec.ValidationError as error:
        raise _refused(error, query_type) from error


def _json(name: str, text: str, refusal: Refusal) -> Any:
    try:
        value = msgspec.json.decode(text)
        json.loads(text, object_pairs_hook=_once, parse_int=str, parse_float=str)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Rejected(refusal, f"`{name}` is not JSON: {error}") from error
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs by name; refuses a name that is there twice, of which one would silently win."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Rejected(Refusal.BAD_REQUEST, f"`{name}` is there twice")
        found[name] = value
    return found


_AT = re.compile(r"at `\$((?:\.\w+|\[[^\]]*\])*)`")


def _allowed(query_type: type[msgspec.Struct], error: str) -> str:
    """The values an error's place takes, where the type lists them; '' elsewhere."""
    from msgspec import inspect

    at = _AT.search(error)
    wanted: list[inspect.Type] = [inspect.type_info(query_type)]
    for name in re.findall(r"\.(\w+)|(\[)", at[1]) if at else ():
        inner = [one for known in wanted for one in (known.types if isinstance(known, inspect.UnionType) else [known])]
        if name[1]:
            wanted = [known.item_type for known in inner if isinstance(known, inspect.ListType)]
        else:
            structs = [known for known in inner if isinstance(known, inspect.StructType)]
            wanted = [f.type for known in structs for f in known.fields if f.encode_name == name[0]]
    inner = [one for known in wanted for one in (known.types if isinstance(known, inspect.UnionType) else [known])]
    return ", ".join(str(value) for known in inner if isinstance(known, inspect.LiteralType) for value in known.values)


def _refused(error: msgspec.ValidationError, query_type: type[msgspec.Struct]) -> Rejected:
    text = str(error)
    if allowed := "enum value" in text and _allowed(query_type, text):
        text += f"; it takes {allowed}"
    if "unknown field" in text:
        return Rejected(Refusal.UNKNOWN_FIELD, text)
    return Rejected(Refusal.BAD_FILTER if ".filters" in text else Refusal.BAD_REQUEST, text)
