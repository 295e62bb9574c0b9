"""`sluice query funnel`, `retention` and `paths`: analyses as tables."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from shared.cli.client import CliError, JsonOption, KeyOption, UrlOption, ask, connect, print_json
from shared.cli.querying import DAY_HELP, FILTER_HELP, parse_filter, resolve_day

_STEP_HELP = (
    "An event, several as a,b, or with a condition: 'purchase[properties.plan=pro]'; in the order of the steps."
)

From = Annotated[str, typer.Option("--from", help=f"First day or instant. {DAY_HELP}")]
To = Annotated[str, typer.Option("--to", help="Last day (included) or instant (not included).")]
Filters = Annotated[list[str] | None, typer.Option("--filter", help=FILTER_HELP)]
Zone = Annotated[str, typer.Option(help="IANA zone of days and times without an offset.")]


def register(query: typer.Typer) -> None:
    """Add the analyses to `sluice query`."""
    query.command("funnel")(funnel)
    query.command("retention")(retention)
    query.command("paths")(paths)


def funnel(
    *,
    steps: Annotated[list[str], typer.Option("--step", help=_STEP_HELP)],
    start: From = "30d",
    end: To = "today",
    window: Annotated[str, typer.Option(help="How long after the first step: 30m, 12h, 7d.")] = "7d",
    order: Annotated[str, typer.Option(help="sequential, strict or any.")] = "sequential",
    ties: Annotated[str, typer.Option(help="after, or at_or_after: a step may be at the same instant.")] = "after",
    conditions: Filters = None,
    timezone: Zone = "UTC",
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Count the people who do one step after the other."""
    body = _body(start, end, timezone, conditions)
    body |= {"steps": [parse_act(text) for text in steps], "window": window, "order": order, "ties": ties}
    answer = ask(connect(url, key, "read"), "/api/v1/query/funnel", body)
    if as_json:
        print_json(answer)
        return
    rows = [
        [
            one["label"],
            _number(one["count"]),
            _share(one["conversion"]),
            _share(one["from_previous"]),
            _span(one["median_seconds"]),
        ]
        for one in _of(answer, "steps")
    ]
    _print(["step", "people", "of the first", "of the one before", "median time"], rows, answer)


def retention(
    *,
    start: From = "30d",
    end: To = "today",
    interval: Annotated[str, typer.Option(help="day, week or month.")] = "week",
    begin: Annotated[str, typer.Option("--start", help="What begins: an event, as in --step of funnel.")] = "",
    returning: Annotated[str, typer.Option(help="What counts as coming back.")] = "",
    periods: Annotated[int, typer.Option(help="How many intervals afterwards are shown.")] = 8,
    conditions: Filters = None,
    timezone: Zone = "UTC",
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show who comes back, cohort by cohort."""
    body = _body(start, end, timezone, conditions) | {"interval": interval, "periods": periods}
    body |= {name: parse_act(text) for name, text in (("start", begin), ("returning", returning)) if text}
    answer = ask(connect(url, key, "read"), "/api/v1/query/retention", body)
    if as_json:
        print_json(answer)
        return
    cohorts = _of(answer, "cohorts")
    offsets = max((len(one["values"]) for one in cohorts), default=1)
    rows = [
        [one["date"][:10], _number(one["size"]), *(_share(value / one["size"]) for value in one["values"][1:])]
        for one in cohorts
    ]
    _print([interval, "people", *map(str, range(1, offsets))], rows, answer)


def paths(
    *,
    start: From = "30d",
    end: To = "today",
    begin: Annotated[str, typer.Option("--start", help="Where ways begin: an event, as in --step of funnel.")] = "",
    finish: Annotated[str, typer.Option("--end", help="What ways lead to.")] = "",
    by: Annotated[str, typer.Option(help="What makes a step: event, path, properties.NAME.")] = "event",
    steps: Annotated[int, typer.Option(help="How many steps are followed, 2 to 20.")] = 5,
    conditions: Filters = None,
    timezone: Zone = "UTC",
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show the ways most people go."""
    body = _body(start, end, timezone, conditions) | {"by": by, "steps": steps}
    body |= {name: parse_act(text) for name, text in (("start", begin), ("end", finish)) if text}
    answer = ask(connect(url, key, "read"), "/api/v1/query/paths", body)
    if as_json:
        print_json(answer)
        return
    rows = [[_number(one["people"]), _way(one["keys"], one["kinds"])] for one in _of(answer, "paths")]
    _print(["people", "way"], rows, answer)


def parse_act(text: str) -> dict[str, Any]:
    """`purchase`, `view,click` or `purchase[properties.plan=pro]` as the API takes it; raises CliError for none."""
    names, bracket, rest = text.partition("[")
    if bracket and not rest.endswith("]"):
        raise CliError(f"{text!r} is no step. {_STEP_HELP}", 2)
    events = [name.strip() for name in names.split(",") if name.strip()]
    found: dict[str, Any] = {"event": events[0]} if len(events) == 1 else {"any_of": events}
    if bracket:
        found["filters"] = [parse_filter(part.strip()) for part in rest[:-1].split(";")]
    if not events:
        del found["any_of"]
    return found


def _body(start: str, end: str, timezone: str, conditions: list[str] | None) -> dict[str, Any]:
    return {
        "from": resolve_day(start, timezone),
        "to": resolve_day(end, timezone),
        "timezone": timezone,
        "filters": [parse_filter(text) for text in conditions or []],
    }


def _of(answer: dict[str, Any], name: str) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = answer[name]
    except (KeyError, TypeError) as error:
        raise CliError(f"The answer lacks {error}; is this a Sluice server of the same version?") from error
    return found


def _print(names: Sequence[str], rows: Sequence[Sequence[str]], answer: dict[str, Any]) -> None:
    console = Console(highlight=False)
    table = Table(box=None, header_style="dim", pad_edge=False)
    for place, name in enumerate(names):
        table.add_column(name, justify="left" if name in {"step", "way"} or not place else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table, markup=False)
    period = answer["range"]
    facts = f"exact · {answer['took_ms']} ms · {answer['rows_read']} rows read"
    span = f"{period['from']} to {period['to']} ({period['timezone']})"
    console.print(f"{facts} · {span}", style="dim", markup=False, soft_wrap=True)
    if answer.get("hint"):
        console.print(answer["hint"], markup=False)


def _number(number: float) -> str:
    return f"{number:,}"


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _span(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for name, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {name}"
    return f"{seconds:.1f} s"


def _way(keys: Sequence[str | None], kinds: Sequence[str]) -> str:
    shown = ("other" if kind == "other" else key or "(nothing)" for key, kind in zip(keys, kinds, strict=True))
    return " → ".join(shown)
