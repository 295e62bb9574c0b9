"""`sluice query`: questions to a server."""

import re
from datetime import timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.console import Console

from shared.cli.client import CliError, JsonOption, KeyOption, UrlOption, ask, connect, print_json
from shared.clock import SYSTEM_CLOCK, Clock, to_datetime

COUNT_PATH = "/api/v1/query/count"

_OPERATORS = {
    "=": "eq",
    "!=": "ne",
    ">": "gt",
    ">=": "gte",
    "<": "lt",
    "<=": "lte",
    "*=": "contains",
    "!*=": "not_contains",
    "^=": "starts_with",
    "~=": "regex",
    " in ": "in",
    " not in ": "not_in",
}
_FILTER = re.compile(r"(?P<field>.+?)\s*(?P<op> not in | in |!\*=|[!><*^~]=|[=><])\s*(?P<value>.*)", re.DOTALL)
_DAYS_AGO = re.compile(r"(\d{1,5})d")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?")
_TEXT_ONLY = frozenset({"contains", "not_contains", "starts_with", "regex"})

DAY_HELP = "ISO 8601, today, yesterday, or 7d for seven days ago."
FILTER_HELP = (
    "A condition such as properties.page=Foo; also != > >= < <= *= (contains) !*= ^= (starts with) ~= "
    "(regular expression), 'FIELD in A,B', 'FIELD not in A,B', FIELD (is set), !FIELD (is not). A number in "
    "quotes means its text."
)


def register(app: typer.Typer) -> None:
    """Add the `query` commands to `app`."""
    from shared.cli import analyses  # they stand on what is here

    query = typer.Typer(no_args_is_help=True, help="Ask the server a question.")
    query.command("count")(count)
    analyses.register(query)
    app.add_typer(query, name="query")


def count(
    *,
    start: Annotated[str, typer.Option("--from", help=f"First day or instant. {DAY_HELP}")] = "today",
    end: Annotated[str, typer.Option("--to", help="Last day (included) or instant (not included).")] = "today",
    event: Annotated[list[str] | None, typer.Option("--event", help="Only this event; may be repeated.")] = None,
    conditions: Annotated[list[str] | None, typer.Option("--filter", help=FILTER_HELP)] = None,
    measure: Annotated[
        str,
        typer.Option(help="count, users, sessions, event_types, unique:F, sum: avg: min: max: p50: … p99:F."),
    ] = "count",
    timezone: Annotated[str, typer.Option(help="IANA zone of days and times without an offset.")] = "UTC",
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Count events, users or sessions, or measure a property, in a time range."""
    body = {
        "from": resolve_day(start, timezone),
        "to": resolve_day(end, timezone),
        "events": event or [],
        "filters": [parse_filter(text) for text in conditions or []],
        "measure": measure,
        "timezone": timezone,
    }
    answer = ask(connect(url, key, "read"), COUNT_PATH, body)
    if as_json:
        print_json(answer)
    else:
        _print(answer)


def resolve_day(text: str, timezone: str, clock: Clock = SYSTEM_CLOCK) -> str:
    """`today`, `yesterday` and `7d` (seven days ago) as a date in `timezone`; anything else as it is."""
    match = _DAYS_AGO.fullmatch({"today": "0d", "yesterday": "1d"}.get(text, text))
    if match is None:
        return text
    try:
        now = to_datetime(clock.micros()).astimezone(ZoneInfo(timezone))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise CliError(f"{timezone!r} is not a timezone; use an IANA name such as Europe/Berlin.", 2) from error
    return (now.date() - timedelta(days=int(match[1]))).isoformat()


def parse_filter(text: str) -> dict[str, Any]:
    """One `--filter` as the API takes it; raises CliError for what is none."""
    match = _FILTER.fullmatch(text)
    if match is None:
        name = text.strip().removeprefix("!")
        if not name or not re.fullmatch(r"[\w.$ -]+", name):
            raise CliError(f"{text!r} is not a filter. {FILTER_HELP}", 2)
        return {"property": name, "op": "not_set" if text.strip().startswith("!") else "is_set"}
    op, given = _OPERATORS[match["op"]], match["value"].strip()
    value: Any = _unquoted(given) if op in _TEXT_ONLY else _value(given)
    if op in {"in", "not_in"}:
        value = [_unquoted(part.strip()) for part in given.split(",")]
    return {"property": match["field"].strip(), "op": op, "value": value}


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text


def _value(text: str) -> str | int | float:
    if not _NUMBER.fullmatch(text):
        return _unquoted(text)
    return float(text) if "." in text else int(text)


def _print(answer: dict[str, Any]) -> None:
    console = Console(highlight=False)
    try:
        value, period = answer["value"], answer["range"]
        exactly = "exact" if answer["exact"] else "estimated"
        facts = f"{exactly} · {answer['took_ms']} ms · {answer['rows_read']} rows read"
        span = f"{period['from']} to {period['to']} ({period['timezone']})"
    except (KeyError, TypeError) as error:
        raise CliError(f"The answer lacks {error}; is this a Sluice server of the same version?") from error
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    shown = "none" if value is None else f"{value:,}" if console.is_terminal else str(value)
    console.print(shown, style="bold", markup=False)
    console.print(f"{facts} · {span}", style="dim", markup=False, soft_wrap=True)
