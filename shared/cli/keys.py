"""`sluice keys`: the API keys of a project, straight from the catalog."""

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, cast

import typer
from rich.console import Console
from rich.table import Table

from shared.catalog.client import Catalog, CatalogRefusedError
from shared.cli.client import CliError, JsonOption, print_json, read_demo, settings_from_here
from shared.cli.recording import recorded
from shared.config import CATALOG_URL, DATA, setting
from shared.refusals import UnavailableError

if TYPE_CHECKING:  # needed for its type alone
    from shared.security.keys import Key, Scope

ResultT = TypeVar("ResultT")
KindName = Literal["public", "secret"]
SCOPES = ("ingest", "read", "export", "admin")

_TABLE_WIDTH = 140  # an id must be whole to be copied, whatever the terminal
_MOST_NAME_CHARACTERS = 200
_DAYS = re.compile(r"(\d{1,5})d")

ProjectOption = Annotated[
    str, typer.Option("--project", help="Project id; else the local demo's, else the only one.", show_default=False)
]


@dataclass(frozen=True, kw_only=True)
class KeysSettings:
    """Where the catalog is."""

    catalog_url: str = setting("SLUICE_CATALOG_URL", CATALOG_URL, default="", secret=True)
    data: Path = setting("SLUICE_DATA", DATA, default=Path(".sluice"))


def register(app: typer.Typer) -> None:
    """Add the `keys` commands to `app`."""
    keys = typer.Typer(no_args_is_help=True, help="List, create and revoke API keys (works on the catalog itself).")
    keys.command("list")(list_all)
    keys.command("create")(create)
    keys.command("revoke")(revoke)
    app.add_typer(keys, name="keys")


def list_all(*, project: ProjectOption = "", as_json: JsonOption = False) -> None:
    """Show a project's keys, oldest first; a key itself is shown only when it is made."""
    from shared.catalog.keys import list_keys

    settings = settings_from_here(KeysSettings)

    async def work(catalog: Catalog) -> list["Key"]:
        return await list_keys(catalog, await project_of(catalog, settings, project))

    keys = with_catalog(settings, work)
    if as_json:
        print_json(keys)
        return
    table = Table("id", "begins", "name", "kind", "scopes", "last used", "state", box=None, pad_edge=False)
    for key in keys:
        used = key.last_used_at.strftime("%Y-%m-%d %H:%M") if key.last_used_at else "never"
        table.add_row(
            str(key.id), key.prefix + "…", key.name, key.kind, " ".join(sorted(key.scopes)), used, _state(key)
        )
    Console(highlight=False, width=max(Console().width, _TABLE_WIDTH)).print(table)


def create(
    *,
    name: Annotated[str, typer.Option(help="What the key is for.")],
    kind: Annotated[KindName, typer.Option(help="public: only sends events; secret: by scopes.")] = "public",
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"Of a secret key: {', '.join(SCOPES)}; may be repeated. Default ingest and read."),
    ] = None,
    expires: Annotated[str, typer.Option(help="ISO 8601 (naive is UTC), or 90d; never by default.")] = "",
    project: ProjectOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it, this once."""
    from shared.catalog.keys import create_key

    if not 0 < len(name) <= _MOST_NAME_CHARACTERS:
        raise CliError(f"--name: 1 to {_MOST_NAME_CHARACTERS} characters.", 2)
    if kind == "public" and scope:
        raise CliError("A public key only sends events and has no other scope; use --kind secret.", 2)
    if unknown := set(scope or []) - set(SCOPES):
        raise CliError(f"--scope: {', '.join(sorted(unknown))} is none of {', '.join(SCOPES)}.", 2)
    settings, until = settings_from_here(KeysSettings), _expiry(expires)
    scopes = cast("list[Scope]", scope or (["ingest"] if kind == "public" else ["ingest", "read"]))

    async def work(catalog: Catalog) -> tuple[str, "Key"]:
        found = await project_of(catalog, settings, project)
        clear, key = await create_key(catalog, found, kind, name, scopes=scopes, expires_at=until)
        await recorded(catalog, found, "api_key.created", f"api_key:{key.id}", after=_recorded(key))
        return clear, key

    clear, key = with_catalog(settings, work)
    if as_json:
        print_json({"key": clear, "id": key.id, "project_id": key.project_id, "scopes": sorted(key.scopes)})
    else:
        typer.echo(clear)
        typer.echo("Keep it: it is not shown again.", err=True)


def revoke(
    which: Annotated[str, typer.Argument(metavar="ID", help="The key's id, or how it begins (slp_…).")],
    *,
    project: ProjectOption = "",
    as_json: JsonOption = False,
) -> None:
    """End a key: it is refused everywhere within five seconds, for good."""
    from shared.catalog.keys import list_keys, revoke_key

    settings = settings_from_here(KeysSettings)

    async def work(catalog: Catalog) -> "Key | None":
        found = await project_of(catalog, settings, project)
        before = _one(await list_keys(catalog, found), which)
        revoked = await revoke_key(catalog, before.id)
        await recorded(catalog, found, "api_key.revoked", f"api_key:{before.id}", before=_recorded(before))
        return revoked

    key = with_catalog(settings, work)
    if key is None:
        raise CliError(f"There is no key {which}.")
    if as_json:
        print_json(key)
    else:
        typer.echo(f"Revoked {key.prefix}… ({key.name}); refused within five seconds.")


def _recorded(key: "Key") -> dict[str, Any]:
    shown = {name: getattr(key, name) for name in ("name", "kind", "prefix", "expires_at")}
    return {**shown, "scopes": sorted(key.scopes)}


def _one(keys: list["Key"], which: str) -> "Key":
    """The key with that id or beginning; raises CliError unless it is exactly one."""
    found = [key for key in keys if str(key.id) == which.lower() or which.startswith(key.prefix)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise CliError(f"There is no key {which} in this project; `sluice keys list` shows them.")
    raise CliError(f"{len(found)} keys begin with {which}; give the id that `sluice keys list` shows.")


def _state(key: "Key") -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= datetime.now(tz=UTC):
        return "expired"
    return f"until {key.expires_at:%Y-%m-%d}" if key.expires_at else "valid"


def _expiry(text: str) -> datetime | None:
    if not text:
        return None
    now = datetime.now(tz=UTC)
    if match := _DAYS.fullmatch(text):
        return now + timedelta(days=int(match[1]))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CliError(f"--expires: {text!r} is neither ISO 8601 nor a number of days such as 90d.", 2) from error
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    if moment <= now:
        raise CliError(f"--expires: {text} is over already.", 2)
    return moment


async def project_of(catalog: Catalog, settings: KeysSettings, given: str) -> uuid.UUID:
    """The project meant: the one given, the demo's, the only one; raises CliError where that is unclear."""
    from shared.catalog.projects import list_projects

    known: dict[uuid.UUID, str] = {row["id"]: row["name"] for row in await list_projects(catalog)}
    demo = read_demo(settings.data)
    wanted = given or (demo.project_id if demo else "")
    if not wanted and len(known) == 1:
        return next(iter(known))
    if wanted in map(str, known):
        return uuid.UUID(wanted)
    listed = ", ".join(f"{key} ({name})" for key, name in known.items()) or "none"
    raise CliError(f"{f'There is no project {wanted}' if wanted else 'Give --project'}; there are: {listed}.")


def with_catalog(settings: KeysSettings, work: Callable[[Catalog], Awaitable[ResultT]]) -> ResultT:
    """Run `work` on the catalog in effect and close it; raises CliError where there is none or it does not answer."""
    url = settings.catalog_url or _embedded(settings.data)

    async def run() -> ResultT:
        catalog = Catalog(url)
        try:
            return await work(catalog)
        finally:
            await catalog.close()

    try:
        return asyncio.run(run())
    except UnavailableError as error:
        raise CliError(f"{error}. Is it running? `sluice up` starts the local one.", 3) from error
    except CatalogRefusedError as error:
        raise CliError(f"{error}.") from error


def _embedded(data: Path) -> str:
    from shared.local.control import read_state

    state: dict[str, Any] = read_state(data)
    url: str = state.get("env", {}).get("SLUICE_CATALOG_URL", "")
    if not url:
        raise CliError("No catalog is known: start the local one with `sluice up`, or set SLUICE_CATALOG_URL.")
    return url
