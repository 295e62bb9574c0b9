"""`sluice demo` and `sluice demo-remove`: a project with a made-up shop's events, and its end."""

import asyncio
import os
import time
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from shared.catalog.client import Catalog
from shared.cli.client import CliError, Demo, read_demo, refused, settings_from_here
from shared.cli.keys import KeysSettings, with_catalog
from shared.demo_shop import DAYS, shop_events
from shared.refusals import UnavailableError

if TYPE_CHECKING:
    from shared.warehouse.client import Warehouse

PROJECT = "Demo shop"
_BATCH = 1_000
_GIVE_UP_SECONDS = 60.0
_POLL_SECONDS = 0.2
_TABLES = ("events", "batches", "rejected_events")
_HOURS = """
SELECT DISTINCT toString(hour) FROM
(
    SELECT toStartOfHour(timestamp) AS hour FROM events WHERE project_id = {project:UUID}
    UNION ALL
    SELECT hour FROM hour_changes WHERE project_id = {project:UUID}
)
"""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(demo)
    app.command("demo-remove")(demo_remove)


def demo() -> None:
    """Fill the project "Demo shop" with 60 days of made-up events; twice on a day changes nothing."""
    settings, today = settings_from_here(KeysSettings), datetime.now(tz=UTC).date()
    base = read_demo(settings.data)
    if base is None:
        raise CliError("There is no demo organisation here: start the local Sluice with `sluice up`.")
    path = _file(settings)
    known = _read_shop(path)
    shop = with_catalog(settings, lambda catalog: _make(catalog, base, known))
    _write_shop(path, shop)
    sent = asyncio.run(_send(shop, today))
    _report(shop, path, sent, today)


def demo_remove() -> None:
    """Delete the events and keys of the project "Demo shop"; harmless where there are none."""
    settings = settings_from_here(KeysSettings)
    path = _file(settings)
    shop = _read_shop(path)
    if shop is None:
        typer.echo("There is no demo shop here.")
        return
    project = uuid.UUID(shop.project_id)
    # A file that names another project must not delete that one's events.
    if with_catalog(settings, lambda catalog: _revoke_keys(catalog, project)):
        asyncio.run(_delete(settings.data, project))
    path.unlink()
    typer.echo(f"Removed the events and keys of {PROJECT} ({project}); the project stays, empty.")


def _file(settings: KeysSettings) -> Path:
    return settings.data / "demo-shop.json"


def _read_shop(path: Path) -> Demo | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Demo)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise CliError(f"{path} cannot be used ({error}); `sluice demo` writes it anew once it is deleted.") from error


def _write_shop(path: Path, shop: Demo) -> None:
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(shop), indent=1))
    fresh.replace(path)


async def _make(catalog: Catalog, base: Demo, known: Demo | None) -> Demo:
    """The shop's project in the demo organisation, found or made, with keys that are good."""
    from shared.catalog.keys import create_key, list_keys
    from shared.catalog.projects import create_project, list_projects
    from shared.security.keys import shown_prefix

    projects = await list_projects(catalog)
    home = next((row["organisation_id"] for row in projects if str(row["id"]) == base.project_id), None)
    if home is None:
        raise CliError("The catalog does not know the demo project of this folder; `sluice up` makes a new one.")
    found = [row for row in projects if (row["organisation_id"], row["name"]) == (home, PROJECT)]
    project = found[0] if found else await create_project(catalog, home, PROJECT)
    valid = {key.prefix for key in await list_keys(catalog, project["id"]) if key.revoked_at is None}
    if known is not None and {shown_prefix(known.write_key), shown_prefix(known.secret_key)} <= valid:
        return msgspec.structs.replace(known, url=base.url)
    write_key, _ = await create_key(catalog, project["id"], "public", "demo shop write key")
    secret_key, _ = await create_key(
        catalog, project["id"], "secret", "demo shop secret key", scopes=("ingest", "read", "export")
    )
    return Demo(url=base.url, project_id=str(project["id"]), write_key=write_key, secret_key=secret_key)


async def _send(shop: Demo, today: date) -> int:
    """Post the shop's events and return how many; raises CliError."""
    from shared.importing.transport import Patience, SendError, open_transport

    events = [msgspec.json.encode(event) for event in shop_events(today)]
    patience = Patience(give_up=_GIVE_UP_SECONDS)
    try:
        async with open_transport(shop.url, shop.write_key, connections=1, patience=patience) as transport:
            for first in range(0, len(events), _BATCH):
                if rejected := await transport.send(events[first : first + _BATCH]):
                    raise CliError(f"{len(rejected)} events were refused, the first: {rejected[0].reason}.")
    except SendError as error:
        raise refused(f"{error}. Running the same command again completes it.", error.status) from error
    return len(events)


def _report(shop: Demo, path: Path, sent: int, today: date) -> None:
    read_key = f"import json; print(json.load(open('{path}'))['secret_key'])"
    first = today - timedelta(days=DAYS - 1)
    typer.echo(
        f"""{sent:,} events of {first} to {today} are stored.

project   {PROJECT} ({shop.project_id})
keys      {path}  (write key for events, secret key for queries)

Count its purchases:

  .venv/bin/sluice query count --from {first} --event purchase \\
    --key "$(python3 -c "{read_key}")"

./task demo:remove deletes it."""
    )


async def _revoke_keys(catalog: Catalog, project: uuid.UUID) -> bool:
    """End every key of the shop; False where the catalog knows no such project, or by another name."""
    from shared.catalog.keys import list_keys, revoke_key
    from shared.catalog.projects import list_projects

    if (project, PROJECT) not in {(row["id"], row["name"]) for row in await list_projects(catalog)}:
        return False
    for key in await list_keys(catalog, project):
        if key.revoked_at is None:
            await revoke_key(catalog, key.id)
    return True


async def _delete(data: Path, project: uuid.UUID) -> None:
    """Delete the project's rows, then tell the hour ledger; raises CliError."""
    from shared.local.control import read_state
    from shared.warehouse.client import Warehouse

    env: dict[str, str] = read_state(data).get("env", {})
    if "SLUICE_WAREHOUSE_URL" not in env:
        raise CliError("No warehouse is known: start the local Sluice with `sluice up`.")
    warehouse = Warehouse(env["SLUICE_WAREHOUSE_URL"])
    try:
        await _drain(env["SLUICE_BUS_URL"])
        await _delete_rows(warehouse, project)
    except UnavailableError as error:
        raise CliError(f"{error}. Is it running? `sluice up` starts the local one.", 3) from error
    finally:
        await warehouse.close()


async def _drain(bus_url: str) -> None:
    """Wait until accepted events are written: what is still on its way would appear after the deletion."""
    from shared.bus import BusUnavailableError
    from shared.local.control import lags_of

    deadline = time.monotonic() + _GIVE_UP_SECONDS
    try:
        while any((await lags_of(bus_url)).values()):
            if time.monotonic() > deadline:
                raise CliError("Events are still being written; try again in a minute.")
            await asyncio.sleep(_POLL_SECONDS)
    except BusUnavailableError as error:
        raise CliError("The bus does not answer; `sluice up` starts the local Sluice.", 3) from error


async def _delete_rows(warehouse: "Warehouse", project: uuid.UUID) -> None:
    # The ledger's own hours too: a run that broke off after deleting must still tell them.
    hours = (await warehouse.query(_HOURS, {"project": project})).rows
    for table in _TABLES:
        await warehouse.command(f"DELETE FROM {table} WHERE project_id = '{project}'")
    changes: list[dict[str, Any]] = [{"project_id": str(project), "hour": hour, "changes": 1} for (hour,) in hours]
    if changes:
        await warehouse.insert_json_lines("hour_changes", msgspec.json.Encoder().encode_lines(changes))
