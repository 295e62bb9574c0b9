"""`sluice backup` and `sluice restore`: copies of an instance, straight from and to its engines."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from shared.cli.client import CliError, JsonOption, environment_from_here, print_json, settings_from_here
from shared.refusals import UnavailableError

if TYPE_CHECKING:  # needed for their types alone
    from shared.backups import Manifest
    from shared.backups.opening import Backups, StorageSettings
    from shared.backups.restoring import Restored
    from shared.backups.storage import Storage

T = TypeVar("T")

_MIB = 1024 * 1024
_AWAY = 3
DAMAGED = 6

IdArgument = Annotated[str, typer.Argument(metavar="[ID]", help="A copy's id or how it begins; else the newest.")]
ToOption = Annotated[
    str, typer.Option("--to", help="Where copies are: a folder or a URL; else SLUICE_BACKUP_URL.", show_default=False)
]
FromOption = Annotated[
    str, typer.Option("--from", help="Where copies are: a folder or a URL; else SLUICE_BACKUP_URL.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the `backup` commands and `restore` to `app`."""
    backup = typer.Typer(no_args_is_help=True, help="Copies of this instance: catalog, events, wrapped keys.")
    backup.command("create")(create)
    backup.command("list")(list_all)
    backup.command("verify")(verify)
    backup.command("drill")(drill)
    backup.command("remove")(remove)
    app.add_typer(backup, name="backup")
    app.command("restore")(restore)


def create(*, to: ToOption = "", as_json: JsonOption = False) -> None:
    """Make a copy now; months that have not changed since the last one are not written again."""

    async def work(backups: "Backups") -> "Manifest":
        from shared.backups.working import make
        from shared.clock import SYSTEM_CLOCK, to_datetime

        expires = backups.settings.expires(to_datetime(SYSTEM_CLOCK.micros()))
        copy_id = await backups.records.begin("asked", "command line", expires)
        if copy_id is None:
            left = await backups.records.stalled()  # whoever made it has died: it is gone on with
            if not left:
                raise CliError("A copy is being made already; try again when it is done.")
            copy_id = left[0]
        await make(backups, copy_id)
        copy = await backups.records.find(copy_id)
        if copy is None or copy.state != "completed":
            raise CliError(f"No copy was made: {copy.error_detail if copy else 'it is gone'}")
        return await asyncio.to_thread(backups.storage.manifest, copy_id)

    made = _with_backups(work, to)
    if as_json:
        print_json(_shown(made))
        return
    typer.echo(
        f"Copy {made.id}: {made.events:,} events, {made.bytes / _MIB:,.1f} MiB in {len(made.files)} files, of which"
        f" {made.written_bytes / _MIB:,.1f} MiB are new.\n"
        f"Everything accepted before {made.holds_until:%F %T} UTC is in it.\n"
        "Keep JWT_SECRET_KEY (secrets.json of the data folder) elsewhere: without it a copy cannot be used."
    )


def list_all(*, to: ToOption = "", as_json: JsonOption = False) -> None:
    """Show the copies there are, the newest first."""
    settings = _storage_settings(to)
    storage = settings.storage()
    found = [_manifest(storage, copy_id) for copy_id in reversed(_understood(storage.copies))]
    if as_json:
        print_json([_shown(one) for one in found])
        return
    table = Table("copy", "holds until (UTC)", "events", "MiB", "new MiB", box=None, pad_edge=False)
    for one in found:
        sizes = (f"{one.bytes / _MIB:,.1f}", f"{one.written_bytes / _MIB:,.1f}")
        table.add_row(str(one.id), f"{one.holds_until:%F %T}", f"{one.events:,}", *sizes)
    Console(highlight=False).print(table if found else "No copies are there.")


def verify(which: IdArgument = "", *, to: ToOption = "") -> None:
    """Read every file of a copy and compare its hash; ends with 6 where one is damaged."""
    storage = _storage_settings(to).storage()
    manifest = _chosen(storage, which)
    faults = _understood(lambda: storage.faults(manifest))
    for fault in faults:
        typer.echo(f"{fault.key} {fault.what}")
    if faults:
        raise CliError(f"Copy {manifest.id} is damaged: {len(faults)} of {len(manifest.files)} files.", DAMAGED)
    typer.echo(f"Copy {manifest.id} is whole: {len(manifest.files)} files, {manifest.bytes / _MIB:,.1f} MiB.")


def drill(which: IdArgument = "", *, to: ToOption = "") -> None:
    """Restore a copy into a scratch place beside the instance, compare all rows, and take it away again."""

    async def work(backups: "Backups") -> "Restored":
        from shared.backups.drill import drill as drilled
        from shared.clock import SYSTEM_CLOCK

        manifest = await asyncio.to_thread(_chosen, backups.storage, which)
        urls = (backups.settings.warehouse_url, backups.settings.catalog_url)
        restored = await drilled(manifest, backups.storage, urls, SYSTEM_CLOCK, typer.echo)
        await backups.records.drilled(manifest.id, "")
        return restored

    restored = _with_backups(work, to)
    typer.echo(f"The copy can be restored: {restored.events:,} events, {restored.rows:,} rows, each as it was.")


def remove(which: Annotated[str, typer.Argument(metavar="ID", help="A copy's id.")], *, to: ToOption = "") -> None:
    """Remove a copy; files that other copies need stay."""

    async def work(backups: "Backups") -> "Manifest":
        from shared.backups.working import remove as removed

        manifest = await asyncio.to_thread(_chosen, backups.storage, which)
        await removed(backups, manifest.id)
        return manifest

    typer.echo(f"Removed copy {_with_backups(work, to).id}.")


def restore(
    which: IdArgument = "",
    *,
    source: FromOption = "",
    clear: Annotated[bool, typer.Option("--clear", help="First remove what a restore left that broke off.")] = False,
) -> None:
    """Restore a copy into an empty data folder (or empty engines); whoever was erased since is left out.

    JWT_SECRET_KEY must be the one the copy was made with. Sluice must not be running there.
    """
    settings = _storage_settings(source)
    storage = settings.storage()
    manifest = _chosen(storage, which)

    async def work(env: Mapping[str, str]) -> "Restored":
        from shared.backups import restoring
        from shared.backups.rows import READ_LIMITS, SOCKET_SECONDS
        from shared.clock import SYSTEM_CLOCK
        from shared.warehouse.client import Warehouse

        url = env["SLUICE_WAREHOUSE_URL"]
        warehouse = Warehouse(url, timeout_seconds=SOCKET_SECONDS, read_limits=READ_LIMITS)
        target = restoring.Target(warehouse, env["SLUICE_CATALOG_URL"])
        try:
            if clear:
                await restoring.clear(target)
            return await restoring.restore(manifest, storage, target, SYSTEM_CLOCK, typer.echo)
        finally:
            await warehouse.close()

    restored = _understood(lambda: asyncio.run(_with_target(work, settings.secret_key)))
    typer.echo(
        f"Restored copy {manifest.id}: {restored.events:,} events, everything accepted before"
        f" {manifest.holds_until:%F %T} UTC; {restored.erased} ids of erased people were left out.\n"
        "Start it with `./task up`."
    )


async def _with_target(work: Callable[[Mapping[str, str]], Awaitable[T]], secret: str) -> T:
    """The engines that are given, or the embedded ones of a data folder on which nothing runs."""
    from shared.local.control import is_running, read_state
    from shared.local.parts import RuntimeSettings
    from shared.local.supervisor import engines_alone

    settings = settings_from_here(RuntimeSettings)
    if settings.warehouse_url and settings.catalog_url:
        return await work({"SLUICE_WAREHOUSE_URL": settings.warehouse_url, "SLUICE_CATALOG_URL": settings.catalog_url})
    if is_running(read_state(settings.data)):
        raise CliError("Sluice is running here: stop it with `./task down`, or set SLUICE_DATA to another folder.")
    _keep_secret(settings.data, secret)
    async with engines_alone(settings) as env:
        return await work(env)


def _keep_secret(data: Path, secret: str) -> None:
    """The restored instance opens what is sealed with the secret it was sealed with."""
    import json
    import os

    path = data / "secrets.json"
    kept: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
    if kept.get("jwt_secret_key") == secret:
        return
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({**kept, "jwt_secret_key": secret}, file)


def _with_backups(work: "Callable[[Backups], Coroutine[Any, Any, T]]", place: str) -> T:
    """Do something with the instance's engines."""
    from shared.backups.opening import BackupSettings, open_backups
    from shared.config import load

    settings = load(BackupSettings, _environ(place))

    async def run() -> T:
        async with open_backups(settings) as backups:
            return await work(backups)

    return _understood(lambda: asyncio.run(run()))


def _storage_settings(place: str) -> "StorageSettings":
    from shared.backups.opening import StorageSettings
    from shared.config import load

    return load(StorageSettings, _environ(place))


def _environ(place: str) -> dict[str, str]:
    """The environment over that of the local instance, whose secret is in its data folder."""
    import json

    from shared.cli.client import ClientSettings
    from shared.local.control import read_state

    given = environment_from_here()
    data = settings_from_here(ClientSettings).data
    known: dict[str, str] = read_state(data).get("env", {})
    path = data / "secrets.json"
    if path.is_file() and "JWT_SECRET_KEY" not in known:
        known = {**known, "JWT_SECRET_KEY": json.loads(path.read_text()).get("jwt_secret_key", "")}
    there = {"SLUICE_BACKUP_URL": place if "://" in place else Path(place).resolve().as_uri()} if place else {}
    return {**known, **{name: value for name, value in given.items() if value}, **there}


def _manifest(storage: "Storage", copy_id: UUID) -> "Manifest":
    return _understood(lambda: storage.manifest(copy_id))


def _chosen(storage: "Storage", which: str) -> "Manifest":
    """The copy that begins so, or the newest; raises CliError."""
    found = [copy_id for copy_id in _understood(storage.copies) if str(copy_id).startswith(which)]
    if not found:
        raise CliError(f"There is no copy {which}; `sluice backup list` shows them." if which else "No copy is there.")
    if which and len(found) > 1:
        raise CliError(f"{len(found)} copies begin with {which}: give more of the id.", 2)
    return _manifest(storage, found[-1])


def _understood(work: Callable[[], T]) -> T:
    """What goes wrong with copies, in one sentence."""
    import structlog

    from shared.backups import BackupError
    from shared.local.engines import EngineError
    from shared.local.supervisor import StartError

    # What the command says is on stdout, alone: programs read it.
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    )
    try:
        return work()
    except BackupError as error:
        raise CliError(str(error)) from error
    except UnavailableError as error:
        raise CliError(f"{error}; is it running? `sluice up` starts the local one.", _AWAY) from error
    except (StartError, EngineError) as error:
        raise CliError(str(error)) from error


def _shown(manifest: "Manifest") -> dict[str, Any]:
    return {
        "id": manifest.id,
        "created_at": manifest.created_at,
        "holds_until": manifest.holds_until,
        "finished_at": manifest.finished_at,
        "events": manifest.events,
        "rows": manifest.rows,
        "bytes": manifest.bytes,
        "written_bytes": manifest.written_bytes,
        "files": len(manifest.files),
    }
