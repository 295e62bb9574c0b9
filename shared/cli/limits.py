"""`sluice limits`: how much a project may send and ask, where that differs from the instance's settings."""

from typing import Annotated, Any

import typer

from shared.catalog.client import Catalog
from shared.cli.client import CliError, JsonOption, print_json, settings_from_here
from shared.cli.keys import KeysSettings, ProjectOption, project_of, with_catalog
from shared.config import ConfigError

_OWN = "instance"


def register(app: typer.Typer) -> None:
    """Add the `limits` command to `app`."""
    app.command("limits")(limits)


def limits(
    *,
    ingest: Annotated[str, typer.Option(help="Requests of one key that sends: 100/second, none, or instance.")] = "",
    read: Annotated[str, typer.Option(help="All other requests of one key or user, likewise.")] = "",
    events_per_day: Annotated[str, typer.Option(help="Events in one UTC day: a number, none, or instance.")] = "",
    project: ProjectOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show a project's own limits, or set those that are given; they hold within 15 seconds."""
    settings = settings_from_here(KeysSettings)
    given: dict[str, str | int | None] = {
        "ingest_rate": _rate("--ingest", ingest),
        "read_rate": _rate("--read", read),
        "events_per_day": _events(events_per_day),
    }

    async def work(catalog: Catalog) -> dict[str, Any]:
        found = await project_of(catalog, settings, project)
        rows = {row["project_id"]: row for row in await catalog.rows("project_limits")}
        known = rows.get(found, {"project_id": found, "ingest_rate": None, "read_rate": None, "events_per_day": None})
        changed = {name: value for name, value in given.items() if value is not None}
        if not changed:
            return known
        values = {name: None if value == _OWN else value for name, value in changed.items()}
        return (await catalog.rows("set_project_limits", {**known, **values}))[0]

    row = with_catalog(settings, work)
    shown = {name: _OWN if row[name] is None else row[name] for name in given}
    if row["events_per_day"] == 0:
        shown["events_per_day"] = "none"
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


def _events(text: str) -> str | int | None:
    if not text or text.lower() == _OWN:
        return text.lower() or None
    if text.lower() == "none":
        return 0
    if not text.isdecimal() or not int(text):
        raise CliError(f"--events-per-day: {text!r} is neither a number above 0 nor none nor instance.", 2)
    return int(text)
