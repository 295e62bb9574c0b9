"""`sluice limits`: how much a project may send and ask, where that differs from the instance's settings."""

from typing import Annotated, Any

import typer

from shared.catalog.client import Catalog
from shared.cli.client import CliError, JsonOption, print_json, settings_from_here
from shared.cli.keys import KeysSettings, ProjectOption, project_of, with_catalog
from shared.cli.recording import recorded
from shared.config import ConfigError

_OWN = "instance"
_ZERO_IS_NONE = ("events_per_day", "query_rows")
_MOST_AT_ONCE = 1_000


def register(app: typer.Typer) -> None:
    """Add the `limits` command to `app`."""
    app.command("limits")(limits)


def limits(
    *,
    ingest: Annotated[str, typer.Option(help="Requests of one key that sends: 100/second, none, or instance.")] = "",
    read: Annotated[str, typer.Option(help="All other requests of one key or user, likewise.")] = "",
    events_per_day: Annotated[str, typer.Option(help="Events in one UTC day: a number, none, or instance.")] = "",
    query_rows: Annotated[str, typer.Option(help="Rows a statement of a question may read, likewise.")] = "",
    query_at_once: Annotated[str, typer.Option(help="Statements in the warehouse at once: a number or instance.")] = "",
    query_budget: Annotated[str, typer.Option(help="Rows all questions may read: 1000000000/hour, none …")] = "",
    project: ProjectOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show a project's own limits, or set those that are given; they hold within 15 seconds."""
    settings = settings_from_here(KeysSettings)
    given: dict[str, str | int | None] = {
        "ingest_rate": _rate("--ingest", ingest),
        "read_rate": _rate("--read", read),
        "events_per_day": _number("--events-per-day", events_per_day),
        "query_rows": _number("--query-rows", query_rows),
        "query_at_once": _at_once(query_at_once),
        "query_budget": _rate("--query-budget", query_budget),
    }

    async def work(catalog: Catalog) -> dict[str, Any]:
        found = await project_of(catalog, settings, project)
        rows = {row["project_id"]: row for row in await catalog.rows("all_project_limits")}
        known = rows.get(found, {"project_id": found, **dict.fromkeys(given)})
        changed = {name: value for name, value in given.items() if value is not None}
        if not changed:
            return known
        values = {name: None if value == _OWN else value for name, value in changed.items()}
        row = (await catalog.rows("set_project_limits", {**known, **values}))[0]
        before, after = ({name: one[name] for name in changed} for one in (known, row))
        await recorded(catalog, found, "limits.changed", f"project:{found}", before=before, after=after)
        return row

    row = with_catalog(settings, work)
    shown = {name: _OWN if row[name] is None else row[name] for name in given}
    shown.update((name, "none") for name in _ZERO_IS_NONE if row[name] == 0)
    if as_json:
        print_json({"project_id": row["project_id"], **shown})
        return
    for name, value in shown.items():
        typer.echo(f"{name}: {'as the instance' if value == _OWN else value}")


def _rate(option: str, text: str) -> str | None:
    """What the catalog keeps of a rate; None where nothing was given."""
    from shared.security.limits import SECONDS_NAMES, parse_rate

    if not text or text.lower() in {_OWN, "none"}:
        return text.lower() or None
    try:
        rate = parse_rate(text, option)
    except ConfigError as error:
        raise CliError(str(error.faults[0]), 2) from error
    return None if rate is None else f"{rate.amount}/{SECONDS_NAMES[rate.seconds]}"


def _number(option: str, text: str) -> str | int | None:
    """A number above 0, and 0 for none."""
    if not text or text.lower() == _OWN:
        return text.lower() or None
    if text.lower() == "none":
        return 0
    if not text.isdecimal() or not int(text):
        raise CliError(f"{option}: {text!r} is neither a number above 0 nor none nor instance.", 2)
    return int(text)


def _at_once(text: str) -> str | int | None:
    if not text or text.lower() == _OWN:
        return text.lower() or None
    if not text.isdecimal() or not 0 < int(text) <= _MOST_AT_ONCE:
        raise CliError(f"--query-at-once: {text!r} is neither a number from 1 to {_MOST_AT_ONCE} nor instance.", 2)
    return int(text)
