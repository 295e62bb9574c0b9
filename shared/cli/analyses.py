"""The analyses of `sluice query` as tables: funnel, retention, lifecycle, stickiness, paths, attribution, sessions."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
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
More = Annotated[
    str,
    typer.Option(help="""What else the question takes, as JSON: '{"hold": ["country"], "count_by": "sessions"}'."""),
]
Breakdown = Annotated[
    str, typer.Option(help="One for each of the largest groups of a field: country, properties.plan.")
]
Interval = Annotated[str, typer.Option(help="day, week or month.")]
Zone = Annotated[str, typer.Option(help="IANA zone of days and times without an offset.")]


def register(query: typer.Typer) -> None:
    """Add the analyses to `sluice query`."""
    query.command("funnel")(funnel)
    query.command("retention")(retention)
    query.command("lifecycle")(lifecycle)
    query.command("stickiness")(stickiness)
    query.command("paths")(paths)
    query.command("attribution")(attribution)
    query.command("sessions")(sessions)


def funnel(
    *,
    steps: Annotated[list[str], typer.Option("--step", help=_STEP_HELP)],
    start: From = "30d",
    end: To = "today",
    window: Annotated[str, typer.Option(help="How long after the first step: 30m, 12h, 7d.")] = "7d",
    order: Annotated[str, typer.Option(help="sequential, strict or any.")] = "sequential",
    ties: Annotated[str, typer.Option(help="after, or at_or_after: a step may be at the same instant.")] = "after",
    breakdown: Breakdown = "",
    conditions: Filters = None,
    timezone: Zone = "UTC",
    more: More = "",
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Count the people who do one step after the other."""
    body = _body(start, end, timezone, conditions)
    body |= {"steps": [parse_act(text) for text in steps], "window": window, "order": order, "ties": ties}
    body |= _given(breakdown=breakdown) | _more(more)
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
    if groups := (answer.get("breakdown") or {}).get("groups"):
        places = [str(place) for place in range(1, len(steps) + 1)]
        grouped = [
            [_key(one["key"]), *(_number(step["count"]) for step in one["steps"]), _share(one["conversion"])]
            for one in groups
        ]
        _print([breakdown, *places, "of the first"], grouped)


def retention(
    *,
    start: From = "30d",
    end: To = "today",
    interval: Interval = "week",
    begin: Annotated[str, typer.Option("--start", help="What begins: an event, as in --step of funnel.")] = "",
    returning: Annotated[str, typer.Option(help="What counts as coming back.")] = "",
    cohort_by: Annotated[str, typer.Option(help="event, first_seen, or a date: profile.NAME.")] = "event",
    mode: Annotated[str, typer.Option(help="exact, or on_or_after: in that interval or a later one.")] = "exact",
    measure: Annotated[str, typer.Option(help="users, or sum:FIELD: what they are worth, per person.")] = "users",
    cumulative: Annotated[bool, typer.Option("--cumulative", help="By then, not in that very interval.")] = False,
    periods: Annotated[int, typer.Option(help="How many intervals afterwards are shown.")] = 8,
    breakdown: Breakdown = "",
    conditions: Filters = None,
    timezone: Zone = "UTC",
    more: More = "",
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show who comes back, cohort by cohort."""
    body = _body(start, end, timezone, conditions) | {"interval": interval, "periods": periods, "cohort_by": cohort_by}
    body |= {"mode": mode, "measure": measure, "cumulative": cumulative}
    body |= {name: parse_act(text) for name, text in (("start", begin), ("returning", returning)) if text}
    body |= _given(breakdown=breakdown) | _more(more)
    answer = ask(connect(url, key, "read"), "/api/v1/query/retention", body)
    if as_json:
        print_json(answer)
        return
    people = measure == "users"
    cohorts = _of(answer, "cohorts")
    offsets = range(int(people), max((len(one["values"]) for one in cohorts), default=1))
    rows = [[one["date"][:10], _number(one["size"]), *_returned(one, people=people)] for one in cohorts]
    _print([interval, "people", *map(str, offsets)], rows, answer)
    if groups := (answer.get("breakdown") or {}).get("groups"):
        said = _share if people else _amount
        means = [[_key(one["key"]), _number(one["people"]), *map(said, one["mean"][int(people) :])] for one in groups]
        _print([breakdown, "people", *map(str, offsets)], means)


def lifecycle(
    *,
    start: From = "30d",
    end: To = "today",
    interval: Interval = "day",
    act: Annotated[str, typer.Option(help="What counts as active: an event, as in --step of funnel; any.")] = "",
    conditions: Filters = None,
    timezone: Zone = "UTC",
    more: More = "",
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Count who is new, returning, back after a pause, and gone, in each interval."""
    body = _body(start, end, timezone, conditions) | {"interval": interval} | _acting(act) | _more(more)
    answer = ask(connect(url, key, "read"), "/api/v1/query/lifecycle", body)
    if as_json:
        print_json(answer)
        return
    states = ["new", "returning", "resurrecting", "dormant"]
    rows = [[one["time"][:10], *(_number(one[state]) for state in states)] for one in _of(answer, "points")]
    _print([interval, *states], rows, answer)


def stickiness(
    *,
    start: From = "30d",
    end: To = "today",
    interval: Interval = "day",
    act: Annotated[str, typer.Option(help="What counts as active: an event, as in --step of funnel; any.")] = "",
    conditions: Filters = None,
    timezone: Zone = "UTC",
    more: More = "",
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Count in how many intervals people are active, and who is within a day, a week and a month."""
    body = _body(start, end, timezone, conditions) | {"interval": interval} | _acting(act) | _more(more)
    answer = ask(connect(url, key, "read"), "/api/v1/query/stickiness", body)
    if as_json:
        print_json(answer)
        return
    often = [[str(one["intervals"]), _number(one["people"])] for one in _of(answer, "histogram")]
    _print([f"{interval}s", "people"], often)
    spans = ["daily", "weekly", "monthly"]
    rows = [
        [one["time"][:10], *(_number(one[span]) for span in spans), _share(one["stickiness"])]
        for one in _of(answer, "active")
    ]
    _print(["day", *spans, "of the month"], rows, answer)


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
    more: More = "",
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show the ways most people go."""
    body = _body(start, end, timezone, conditions) | {"by": by, "steps": steps}
    body |= {name: parse_act(text) for name, text in (("start", begin), ("end", finish)) if text}
    body |= _more(more)
    answer = ask(connect(url, key, "read"), "/api/v1/query/paths", body)
    if as_json:
        print_json(answer)
        return
    rows = [[_number(one["people"]), _way(one["keys"], one["kinds"])] for one in _of(answer, "paths")]
    _print(["people", "way"], rows, answer)


def attribution(
    *,
    conversion: Annotated[str, typer.Option(help="What is credited: an event, as in --step of funnel.")],
    start: From = "30d",
    end: To = "today",
    by: Annotated[str, typer.Option(help="What it is credited to: channel, utm_source, properties.NAME.")] = "channel",
    lookback: Annotated[str, typer.Option(help="How long before it a touch counts: 7d, 30d.")] = "30d",
    conditions: Filters = None,
    timezone: Zone = "UTC",
    more: More = "",
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show which touches led to conversions, by five models beside each other."""
    body = _body(start, end, timezone, conditions) | {"conversion": parse_act(conversion), "by": by}
    body |= {"lookback": lookback} | _more(more)
    answer = ask(connect(url, key, "read"), "/api/v1/query/attribution", body)
    if as_json:
        print_json(answer)
        return
    found = _of(answer, "rows")
    models = list(found[0]["credits"]) if found else []
    rows = [[_key(one["key"]), *(_amount(one["credits"][model]["conversions"]) for model in models)] for one in found]
    _print([by, *models], rows, answer)


def sessions(
    *,
    start: From = "30d",
    end: To = "today",
    by: Annotated[str, typer.Option(help="A field of the first event, or session.entry_page and the like.")] = "",
    gap: Annotated[str, typer.Option(help="The pause that ends one: 30m; by default the project's.")] = "",
    conditions: Filters = None,
    timezone: Zone = "UTC",
    more: More = "",
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Count sessions: how many, of how many people, how long, and how many of one event."""
    body = _body(start, end, timezone, conditions) | _given(by=by, gap=gap) | _more(more)
    answer = ask(connect(url, key, "read"), "/api/v1/query/sessions", body)
    if as_json:
        print_json(answer)
        return
    rows = [[_key(one["key"]), *_session(one["summary"])] for one in _of(answer, "rows")]
    rows.append(["all", *_session(answer["total"])])
    _print([by or "sessions", "number", "people", "bounced", "half end within", "events"], rows, answer)


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


def _given(**texts: str) -> dict[str, Any]:
    """Those that are not empty."""
    return {name: text for name, text in texts.items() if text}


def _acting(text: str) -> dict[str, Any]:
    return {"act": parse_act(text)} if text else {}


def _more(text: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any]) if text else {}
    except msgspec.DecodeError as error:
        raise CliError(f"--more {text!r} is no JSON object: {error}", 2) from error
    return found


def _of(answer: dict[str, Any], name: str) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = answer[name]
    except (KeyError, TypeError) as error:
        raise CliError(f"The answer lacks {error}; is this a Sluice server of the same version?") from error
    return found


def _print(names: Sequence[str], rows: Sequence[Sequence[str]], answer: dict[str, Any] | None = None) -> None:
    """A table; with the answer also how it was found, and its hint."""
    console = Console(highlight=False)
    table = Table(box=None, header_style="dim", pad_edge=False)
    for place, name in enumerate(names):
        table.add_column(name, justify="left" if name in {"step", "way"} or not place else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table, markup=False)
    if answer is None:
        return
    period = answer["range"]
    facts = f"exact · {answer['took_ms']} ms · {answer['rows_read']} rows read"
    span = f"{period['from']} to {period['to']} ({period['timezone']})"
    console.print(f"{facts} · {span}", style="dim", markup=False, soft_wrap=True)
    if answer.get("hint"):
        console.print(answer["hint"], markup=False)


def _number(number: float) -> str:
    return f"{number:,}"


def _amount(number: float | None) -> str:
    return "" if number is None else f"{number:,.2f}"


def _key(key: str | list[str | None] | None) -> str:
    if isinstance(key, list):
        return " · ".join(map(_key, key))
    return "(nothing)" if key is None else key


def _returned(cohort: dict[str, Any], *, people: bool) -> list[str]:
    """A cohort's values per person: of people those after the cohort itself, of a sum all."""
    size, values = cohort["size"], cohort["values"]
    return [_share(value / size) for value in values[1:]] if people else [_amount(value / size) for value in values]


def _session(summary: dict[str, Any]) -> list[str]:
    return [
        _number(summary["sessions"]),
        _number(summary["people"]),
        _share(summary["bounce_rate"]),
        _span(summary["duration_p50"]),
        _amount(summary["events_per_session"]),
    ]


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
