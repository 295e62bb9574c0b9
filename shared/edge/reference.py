"""The browsable reference at /docs: the OpenAPI document as one page, without a script or anything from elsewhere."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import msgspec

from shared import openapi
from shared.http import Reply

PAGE = "/docs"
STYLE = "/docs/reference.css"
OPENAPI = "/api/v1/openapi.json"

_ROOT = Path(__file__).resolve().parents[2]
_CSS = Path(__file__).parent / "reference.css"
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KEPT = {"cache-control": "public, max-age=300"}
_DEEPEST = 6


class Reference:
    """The document and its page; the page is made when it is first asked for."""

    def __init__(self, file: Path = _ROOT / openapi.FILE) -> None:
        self._file = file

    @cached_property
    def document(self) -> bytes:
        """The OpenAPI document as it is stored."""
        return self._file.read_bytes()

    @cached_property
    def _page(self) -> bytes:
        return "".join(_Page(msgspec.json.decode(self.document)).parts()).encode()

    def answer(self, path: str) -> Reply | None:
        """The reply for one of the three addresses; None for any other."""
        match path.rstrip("/"):
            case "/docs":
                return Reply(200, self._page, "text/html; charset=utf-8", {**_KEPT, "content-security-policy": _POLICY})
            case "/docs/reference.css":
                return Reply(200, _CSS.read_bytes(), "text/css; charset=utf-8", _KEPT)
            case "/api/v1/openapi.json":
                return Reply(200, self.document, headers={"cache-control": "public, max-age=60"})
            case _:
                return None


class _Page:
    """The parts of the page; every text of the document is escaped."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._schemas: Mapping[str, Any] = document["components"]["schemas"]

    def parts(self) -> Iterator[str]:
        info = self._document["info"]
        yield f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(info["title"])} API {escape(info["version"])}</title>
<link rel="stylesheet" href="{STYLE}"></head><body><header><h1>{escape(info["title"])} API</h1>
<p>Version {escape(info["version"])}. Send a key as <code>X-API-Key</code>, or a signed-in person's token as
<code>Authorization: Bearer …</code> with the project in <code>X-Project-Id</code>. Every error is a problem document
(RFC 9457) whose <code>code</code> is stable. For programs: <a href="{OPENAPI}">{OPENAPI}</a>.</p></header>
<nav aria-label="Addresses"><ul>"""
        groups = self._groups()
        for name in groups:
            yield f'<li><a href="#{escape(name)}">{escape(name)}</a></li>'
        yield "</ul></nav><main>"
        for name, operations in groups.items():
            yield f'<section id="{escape(name)}"><h2>{escape(name)}</h2>'
            for path, method, operation in operations:
                yield from self._operation(path, method, operation)
            yield "</section>"
        yield "</main></body></html>\n"

    def _groups(self) -> dict[str, list[tuple[str, str, Mapping[str, Any]]]]:
        """Operations by the first part of their path that says something; the older addresses by themselves."""
        groups: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {}
        for path, methods in self._document["paths"].items():
            new = path.startswith("/api/v1/")
            name = path.removeprefix("/api/v1/").partition("/")[0] if new else "older addresses"
            for method, operation in methods.items():
                groups.setdefault(name.replace(" ", "-"), []).append((path, method.upper(), operation))
        return groups

    def _operation(self, path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
        yield f'<details id="{escape(operation["operationId"].replace(" ", ":"))}"><summary>'
        yield f'<span class="method {method.lower()}">{method}</span> <code>{escape(path)}</code> '
        yield f"<span>{escape(operation['summary'])}</span></summary>"
        if described := operation.get("description"):
            yield f"<p>{escape(described)}</p>"
        yield f"<p>{_who_may(operation)}</p>"
        if operation.get("parameters"):
            yield "<h3>Parameters</h3><table><tr><th>name</th><th>where</th><th>what</th></tr>"
            for one in operation["parameters"]:
                schema = one.get("schema") or one["content"]["application/json"]["schema"]
                needed = " <strong>required</strong>" if one.get("required") else ""
                text = escape(one.get("description", ""))
                yield f"<tr><td><code>{escape(one['name'])}</code>{needed}</td><td>{escape(one['in'])}</td>"
                yield f"<td><code>{escape(self._shown(schema))}</code> {text}</td></tr>"
            yield "</table>"
        for content_type, body in operation.get("requestBody", {}).get("content", {}).items():
            yield f"<h3>Body, {escape(content_type)}</h3><pre>{escape(self._shown(body['schema']))}</pre>"
        for status, answer in operation["responses"].items():
            for body in answer.get("content", {}).values() if status != "default" else ():
                yield f"<h3>Answer {escape(status)}</h3><pre>{escape(self._shown(body['schema']))}</pre>"
        yield f"<h3>With curl</h3><pre>{escape(_curl(path, method, operation))}</pre></details>"

    def _shown(self, schema: Mapping[str, Any], depth: int = 0, within: tuple[str, ...] = ()) -> str:
        """A schema in the notation people read fastest: JSON with types for values."""
        if reference := schema.get("$ref"):
            name = str(reference).rpartition("/")[2]
            if name in within or depth > _DEEPEST:
                return name
            return self._shown(self._schemas[name], depth, (*within, name))
        if kinds := schema.get("anyOf"):
            return " | ".join(dict.fromkeys(self._shown(kind, depth, within) for kind in kinds))
        if "enum" in schema:
            return " | ".join(map(str, schema["enum"]))
        if schema.get("type") == "array":
            return f"[{self._shown(schema['items'], depth, within)}, …]" if schema.get("items") else "[…]"
        if properties := schema.get("properties"):
            pad = "  " * (depth + 1)
            needed = set(schema.get("required", ()))
            lines = [
                f"{pad}{name}{'' if name in needed else '?'}: {self._shown(one, depth + 1, within)}"
                for name, one in properties.items()
            ]
            return "{\n" + ",\n".join(lines) + "\n" + "  " * depth + "}"
        default = f" = {schema['default']}" if schema.get("default") not in (None, "", [], {}) else ""
        return str(schema.get("format", schema.get("type", "any"))) + default


def _who_may(operation: Mapping[str, Any]) -> str:
    """Which roles and scopes are enough, as the document says."""
    roles, scopes = operation.get("x-roles", ()), operation.get("x-scopes", ())
    if not roles and not scopes:
        return "Needs no credential, or the secret it is about."
    people = f"People who are signed in, as {' or '.join(roles)}" if roles else "No people"
    return f"{people}; {'keys with the scope ' + ' or '.join(scopes) if scopes else 'no keys'}."


def _curl(path: str, method: str, operation: Mapping[str, Any]) -> str:
    needed = [one["name"] for one in operation.get("parameters", ()) if one.get("required") and one["in"] == "query"]
    address = path + ("?" + "&".join(f"{name}=…" for name in needed) if needed else "")
    verb = "" if method == "GET" else f" -X {method}"
    body = " -H 'Content-Type: application/json' -d '{…}'" if "requestBody" in operation else ""
    return f"curl{verb} 'http://localhost:8080{address}' -H 'X-API-Key: sls_…'{body}"
