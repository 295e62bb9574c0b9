"""The page of an archive, for people: it needs nothing from anywhere, and says where the rest is."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

Language = Literal["en", "ru"]

_TEXTS = Path(__file__).parent / "texts"
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "body{color:#1a1a1a;background:#fff}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;"
    "border-bottom:1px solid #ccc;overflow-wrap:anywhere}code{font-size:.9em}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#111}th,td{border-color:#444}}"
)
_SHOWN_TWICE = frozenset({"event", "timestamp"})


class Shown(NamedTuple):
    """What the page shows."""

    person: str
    keys: Sequence[str]
    profile: dict[str, Any]
    counts: dict[str, int]
    names: Sequence[tuple[str, int]]
    latest: Sequence[dict[str, Any]]
    at: datetime


def page(shown: Shown, language: Language) -> str:
    """The page in one language; every text that came from outside is escaped, and no script runs."""
    said = msgspec.json.decode((_TEXTS / f"{language}.json").read_bytes(), type=dict[str, str])
    files = [[said[f"store_{name}"], str(count)] for name, count in shown.counts.items()]
    profile = [[name, _text(value)] for name, value in shown.profile.items()]
    events = [[name, str(count)] for name, count in shown.names]
    latest = [[str(row["timestamp"]), str(row["event"]), _details(row)] for row in shown.latest]
    more = said["more"].format(shown=len(latest), all=shown.counts.get("events", 0))
    parts = [
        f"<h1>{said['title']}</h1>",
        f"<p>{said['lead'].format(at=shown.at.strftime('%Y-%m-%d %H:%M'))}</p>",
        f"<h2>{said['ids']}</h2><ul>{''.join(f'<li><code>{escape(key[2:])}</code></li>' for key in shown.keys)}</ul>",
        f"<h2>{said['profile']}</h2>{_table(said, [], profile)}",
        f"<h2>{said['files']}</h2>{_table(said, ['file', 'rows'], files)}",
        f"<h2>{said['events']}</h2>{_table(said, ['event', 'times'], events)}",
        f"<h2>{said['latest']}</h2><p>{more}</p>{_table(said, ['when', 'what', 'details'], latest)}",
    ]
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f'<meta name="viewport" content="width=device-width"><title>{said["title"]}</title>'
        f"<style>{_STYLE}</style></head><body><main>{''.join(parts)}</main></body></html>"
    )


def _table(said: dict[str, str], heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return f"<p>{said['nothing']}</p>"
    head = "".join(f'<th scope="col">{said[name]}</th>' for name in heads)
    body = "".join(f"<tr>{''.join(_cells(row))}</tr>" for row in rows)
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if heads else ''}<tbody>{body}</tbody></table>"


def _cells(row: Sequence[str]) -> Iterable[str]:
    return (f"<td>{escape(cell)}</td>" for cell in row)


def _details(row: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {_text(value)}" for name, value in row.items() if name not in _SHOWN_TWICE)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
