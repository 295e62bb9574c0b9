"""`sluice demo` and `sluice demo-remove`: a project with a made-up shop's events, and its end."""

import asyncio
import os
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import typer

from shared.catalog.client import Catalog
from shared.cli.client import CliError, Demo, read_demo, refused, settings_from_here
from shared.cli.keys import KeysSettings, with_catalog
from shared.demo.shop import SEED, Event, first_day, outage_day, shop_events, today_in_shop
from shared.demo.stock import CURRENCY, ZONE
from shared.demo.visit import OUTAGE_HOURS
from shared.refusals import UnavailableError

PROJECT = "Demo shop"
_BATCH = 1_000
_GIVE_UP_SECONDS = 60.0
_POLL_SECONDS = 0.1
# Functions take a revoked key for up to that long.
_REVOKED_SECONDS = 5.0
_SHOWN = ("page_view", "product_view", "add_to_cart", "checkout_start", "purchase", "return", "sign_up", "error")


class Shop(Demo, frozen=True):
    """What `demo` leaves in `$SLUICE_DATA/demo-shop.json`; `seed` says which shop it is filled with."""

    seed: str = ""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(demo)
    app.command("demo-remove")(demo_remove)


def demo() -> None:
    """Fill the project "Demo shop" with 60 days of made-up events; twice on a day changes nothing."""
    settings, today = settings_from_here(KeysSettings), today_in_shop(datetime.now(tz=UTC))
    base = read_demo(settings.data)
    if base is None:
        raise CliError("There is no demo organisation here: start the local Sluice with `sluice up`.")
    path = _file(settings)
    known = _read_shop(path)
    if known is not None and known.seed != SEED:
        raise CliError("Another version of Sluice filled this demo shop: run `sluice demo-remove` first.")
    shop = with_catalog(settings, lambda catalog: _make(catalog, base, known))
    _write_shop(path, shop)
    events = list(shop_events(today))
    asyncio.run(_fill(settings.data, shop, events))
    _report(shop, path, events, today)


def demo_remove() -> None:
    """Delete the project "Demo shop" with its events and keys; harmless where there is none."""
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
        with_catalog(settings, lambda catalog: _remove(catalog, project))
    path.unlink()
    typer.echo(f"Removed {PROJECT} ({project}), its events and its keys.")


def _file(settings: KeysSettings) -> Path:
    return settings.data / "demo-shop.json"


def _read_shop(path: Path) -> Shop | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Shop)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise CliError(f"{path} cannot be used ({error}); `sluice demo` writes it anew once it is deleted.") from error


def _write_shop(path: Path, shop: Shop) -> None:
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(shop), indent=1))
    fresh.replace(path)


async def _make(catalog: Catalog, base: Demo, known: Shop | None) -> Shop:
    """The shop's project in the demo organisation, found or made, with keys that are good."""
    from shared.catalog.keys import create_key, list_keys
    from shared.catalog.projects import create_project, list_projects
    from shared.security.keys import shown_prefix

    projects = await list_projects(catalog)
    home = next((row["organisation_id"] for row in projects if str(row["id"]) == base.project_id), None)
    if home is None:
        raise CliError("The catalog does not know the demo project of this folder; `sluice up` makes a new one.")
    found = [row for row in projects if (row["organisation_id"], row["name"]) == (home, PROJECT)]
    project = found[0] if found else await create_project(catalog, home, PROJECT, ZONE)
    valid = {key.prefix for key in await list_keys(catalog, project["id"]) if key.revoked_at is None}
    if known is not None and {shown_prefix(known.write_key), shown_prefix(known.secret_key)} <= valid:
        return msgspec.structs.replace(known, url=base.url)
    write_key, _ = await create_key(catalog, project["id"], "public", "demo shop write key")
    secret_key, _ = await create_key(
        catalog, project["id"], "secret", "demo shop secret key", scopes=("ingest", "read", "export")
    )
    return Shop(url=base.url, project_id=str(project["id"]), write_key=write_key, secret_key=secret_key, seed=SEED)


async def _fill(data: Path, shop: Shop, events: Sequence[Event]) -> None:
    """Post the events and wait until they are counted; raises CliError."""
    from shared.importing.transport import Patience, SendError, open_transport

    lines = [msgspec.json.encode(event) for event in events]
    patience = Patience(give_up=_GIVE_UP_SECONDS)
    try:
        async with open_transport(shop.url, shop.write_key, connections=1, patience=patience) as transport:
            for first in range(0, len(lines), _BATCH):
                if rejected := await transport.send(lines[first : first + _BATCH]):
                    raise CliError(f"{len(rejected)} events were refused, the first: {rejected[0].reason}.")
    except SendError as error:
        raise refused(f"{error}. Running the same command again completes it.", error.status) from error
    await _drain(_env(data)["SLUICE_BUS_URL"])


def _report(shop: Shop, path: Path, events: Sequence[Event], today: date) -> None:
    """Say what was made and where to look."""
    kinds = Counter(event.event for event in events)
    revenue = sum(event.properties.get("revenue", 0) for event in events)
    visits = len({event.session_id for event in events if event.session_id})
    people = len({event.user_id or event.anonymous_id for event in events if event.session_id})
    read_key = f"import json; print(json.load(open('{path}'))['secret_key'])"
    first, outage = first_day(today), outage_day(today)
    typer.echo(
        f"""{len(events):,} events of {first} to {today} ({ZONE}) are stored: {people:,} people, {visits:,} visits,
{", ".join(f"{kinds[kind]:,} {kind}" for kind in _SHOWN)}; {revenue:,.2f} {CURRENCY} after returns.
On {outage} from {OUTAGE_HOURS.start}:00 to {OUTAGE_HOURS.stop}:00 the shop was down: `error` and no `purchase`.
Half of the people get the checkout "one_page", half "classic" (properties.ab_checkout): which one sells more?

project   {PROJECT} ({shop.project_id})
keys      {path}  (write key for events, secret key for queries)

Look at it:

  KEY="$(python3 -c "{read_key}")"
  .venv/bin/sluice query count --from {first} --event purchase --key "$KEY"
  curl -s {shop.url}/api/v1/query/timeseries -H "X-API-Key: $KEY" \\
    -d '{{"from": "{first}", "to": "{today}", "timezone": "{ZONE}",
         "interval": "day", "measure": "sum:properties.revenue"}}'
  curl -s {shop.url}/api/v1/query/breakdown -H "X-API-Key: $KEY" \\
    -d '{{"from": "{first}", "to": "{today}", "by": "country", "measure": "users"}}'

./task demo:remove deletes it."""
    )


async def _revoke_keys(catalog: Catalog, project: uuid.UUID) -> bool:
    """End every key of the shop and wait until no function takes one.

    False where the catalog knows no such project, or by another name.
    """
    from shared.catalog.keys import list_keys, revoke_key
    from shared.catalog.projects import list_projects

    if (project, PROJECT) not in {(row["id"], row["name"]) for row in await list_projects(catalog)}:
        return False
    good = [key for key in await list_keys(catalog, project) if key.revoked_at is None]
    for key in good:
        await revoke_key(catalog, key.id)
    if good:
        await asyncio.sleep(_REVOKED_SECONDS)
    return True


async def _remove(catalog: Catalog, project: uuid.UUID) -> None:
    from shared.catalog.projects import remove_project

    await remove_project(catalog, project)


async def _delete(data: Path, project: uuid.UUID) -> None:
    """Delete the project's rows once all accepted events are among them; raises CliError."""
    from shared.warehouse.client import Warehouse, WarehouseError
    from shared.warehouse.removal import RemovalUnfinishedError, delete_rows

    env = _env(data)
    warehouse = Warehouse(env["SLUICE_WAREHOUSE_URL"])
    try:
        await _drain(env["SLUICE_BUS_URL"])
        await delete_rows(warehouse, project, typer.echo)
    except UnavailableError as error:
        raise CliError(
            "The warehouse does not answer: `sluice up` starts the local one. "
            "Then run `sluice demo-remove` again: it goes on where it stopped.",
            3,
        ) from error
    except RemovalUnfinishedError as error:
        raise CliError(f"{error}. Run `sluice demo-remove` again: it goes on where it stopped.", 3) from error
    except WarehouseError as error:
        raise CliError(f"The warehouse refused to delete: {error}") from error
    finally:
        await warehouse.close()


def _env(data: Path) -> dict[str, str]:
    """The environment of the local instance's parts; raises CliError where none was ever started."""
    from shared.local.control import read_state

    env: dict[str, str] = read_state(data).get("env", {})
    if "SLUICE_WAREHOUSE_URL" not in env:
        raise CliError("No warehouse is known: start the local Sluice with `sluice up`.")
    return env


async def _drain(bus_url: str) -> None:
    """Wait until accepted events are written."""
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
