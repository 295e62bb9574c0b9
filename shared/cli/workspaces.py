"""`sluice projects`, `sluice members` and `sluice audit`: the workspace, straight from the catalog."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from shared.catalog.client import Catalog, Row
from shared.cli.client import CliError, JsonOption, environment_from_here, print_json, settings_from_here
from shared.cli.keys import KeysSettings, with_catalog
from shared.config import load
from shared.security.policy import ROLES

if TYPE_CHECKING:  # needed for their types alone
    from shared.security.audit_chain import Checkpoint, Signer

_TABLE_WIDTH = 140
_MOST = 1_000
_CLI = "sluice"

OrganisationOption = Annotated[
    str, typer.Option("--organisation", help="Organisation id; else the only one.", show_default=False)
]


@dataclass(frozen=True)
class _Wanted:
    organisation: str
    name: str
    timezone: str


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    projects = typer.Typer(no_args_is_help=True, help="List and create projects (works on the catalog itself).")
    projects.command("list")(list_projects)
    projects.command("create")(create_project)
    app.add_typer(projects, name="projects")
    members = typer.Typer(no_args_is_help=True, help="List members, change their roles (works on the catalog itself).")
    members.command("list")(list_members)
    members.command("set-role")(set_role)
    app.add_typer(members, name="members")
    audit = typer.Typer(no_args_is_help=True, help="Verify the audit log, and sign how far it is.")
    audit.command("verify")(verify_log)
    audit.command("checkpoint")(sign_log)
    app.add_typer(audit, name="audit")


def list_projects(*, as_json: JsonOption = False) -> None:
    """Show every project, oldest first."""
    from shared.catalog import projects

    rows = with_catalog(settings_from_here(KeysSettings), projects.list_projects)
    _show(rows, ("id", "name", "timezone", "organisation_id", "created_at"), as_json=as_json)


def create_project(
    name: Annotated[str, typer.Argument(help="What it is called.")],
    *,
    timezone: Annotated[str, typer.Option(help="IANA name: the zone of its days.")] = "UTC",
    organisation: OrganisationOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a project, and print its id and its first keys, this once."""
    wanted = _Wanted(organisation, name, timezone)

    async def work(catalog: Catalog) -> dict[str, Any]:
        return await _create(catalog, wanted)

    made = with_catalog(settings_from_here(KeysSettings), work)
    if as_json:
        print_json(made)
        return
    for label in ("id", "write_key", "secret_key"):
        typer.echo(f"{label}: {made[label]}")
    typer.echo("Keep the keys: they are not shown again.", err=True)


def list_members(*, organisation: OrganisationOption = "", as_json: JsonOption = False) -> None:
    """Show the members of an organisation."""

    async def work(catalog: Catalog) -> list[Row]:
        return await _members(catalog, await _organisation(catalog, organisation))

    rows = with_catalog(settings_from_here(KeysSettings), work)
    _show(rows, ("user_id", "email", "name", "role", "joined_at"), as_json=as_json)


def set_role(
    email: Annotated[str, typer.Argument(help="The member's address.")],
    role: Annotated[str, typer.Argument(help=", ".join(ROLES))],
    *,
    organisation: OrganisationOption = "",
) -> None:
    """Give a member another role, whoever owns the organisation: the way back in when its last owner is gone."""
    if role not in ROLES:
        raise CliError(f"{role} is none of {', '.join(ROLES)}.", 2)

    async def work(catalog: Catalog) -> None:
        await _set_role(catalog, await _organisation(catalog, organisation), email.strip().lower(), role)

    with_catalog(settings_from_here(KeysSettings), work)
    typer.echo(f"{email} is {role} now.")


def verify_log(
    *,
    organisation: OrganisationOption = "",
    checkpoints: Annotated[
        Path | None,
        typer.Option(help="Checkpoints kept elsewhere: the JSON lines that `sluice audit checkpoint` printed."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what of the audit log was edited, removed, moved or cut off since it was recorded; ends with 1 if so."""
    from shared.security.audit_chain import Checkpoint, Verdict, organisations, verify

    kept: list[Checkpoint] = []
    if checkpoints is not None:
        kept = _read_checkpoints(checkpoints)
    signer = _signer()

    async def work(catalog: Catalog) -> list[Verdict]:
        known = {*(await organisations(catalog)), *(one.organisation_id for one in kept)}
        wanted = [uuid.UUID(organisation)] if organisation else sorted(known)
        return [
            await verify(catalog, one, signer, [check for check in kept if check.organisation_id == one])
            for one in wanted
        ]

    found = with_catalog(settings_from_here(KeysSettings), work)
    if as_json:
        print_json(found)
    for verdict in () if as_json else found:
        state = "sound" if not verdict.faults else f"{len(verdict.faults)} faults"
        typer.echo(f"{verdict.organisation_id}: {verdict.rows} rows, signed up to {verdict.checked_to}: {state}")
        for fault in verdict.faults:
            typer.echo(f"  {fault.kind} at {fault.seq}: {fault.detail}")
    if any(verdict.faults for verdict in found):
        raise typer.Exit(1)


def sign_log() -> None:
    """Sign how far each audit log is, and print the checkpoints as JSON lines, to be kept somewhere else."""
    import msgspec

    from shared.security.audit_chain import Checkpoint, Verdict, checkpoint, organisations

    signer = _signer()

    async def work(catalog: Catalog) -> list[Checkpoint | Verdict | None]:
        return [await checkpoint(catalog, one, signer) for one in await organisations(catalog)]

    for made in with_catalog(settings_from_here(KeysSettings), work):
        if isinstance(made, Checkpoint):
            typer.echo(msgspec.json.encode(made))
        elif isinstance(made, Verdict):
            raise CliError(f"The log of {made.organisation_id} is not sound; `sluice audit verify` says where.")


async def _create(catalog: Catalog, wanted: _Wanted) -> dict[str, Any]:
    from shared.catalog.keys import create_key
    from shared.catalog.projects import create_project as make
    from shared.security.audit import Agent, record

    organisation = await _organisation(catalog, wanted.organisation)
    project = await make(catalog, organisation, wanted.name, wanted.timezone)
    write, _ = await create_key(catalog, project["id"], "public", "write key")
    secret, _ = await create_key(catalog, project["id"], "secret", "secret key", scopes=("export", "ingest", "read"))
    await record(
        catalog,
        organisation_id=organisation,
        actor=Agent(_CLI),
        action="project.created",
        target=f"project:{project['id']}",
        after={"name": wanted.name, "timezone": wanted.timezone},
        project_id=project["id"],
    )
    return {"id": str(project["id"]), "write_key": write, "secret_key": secret}


async def _set_role(catalog: Catalog, organisation: uuid.UUID, email: str, role: str) -> None:
    from shared.security.audit import Agent, record

    found = [row for row in await _members(catalog, organisation) if row["email"].lower() == email]
    if not found:
        raise CliError(f"{email} is no member; `sluice members list` shows who is.")
    async with catalog.transaction() as transaction:
        await transaction.rows("workspace/organisation_locked", {"organisation_id": organisation})
        values = {"organisation_id": organisation, "user_id": found[0]["user_id"]}
        others = await transaction.rows("workspace/other_owners", values)
        if found[0]["role"] == "owner" and role != "owner" and not others[0]["owners"]:
            raise CliError("This is the last owner; make somebody else one first.")
        await transaction.rows("workspace/set_role", {**values, "role": role})
        await record(
            transaction,
            organisation_id=organisation,
            actor=Agent(_CLI),
            action="member.role_changed",
            target=f"user:{found[0]['user_id']}",
            before={"role": found[0]["role"], "email": email},
            after={"role": role},
        )


async def _members(catalog: Catalog, organisation: uuid.UUID) -> list[Row]:
    values = {"organisation_id": organisation, "user_id": None, "after": None, "most": _MOST}
    return await catalog.rows("workspace/members", values)


async def _organisation(catalog: Catalog, given: str) -> uuid.UUID:
    """The organisation meant: the one given or the only one; raises CliError where that is unclear."""
    rows = await catalog.rows("workspace/organisations")
    known: Mapping[str, Row] = {str(row["id"]): row for row in rows}
    if given in known or (not given and len(known) == 1):
        return uuid.UUID(given or next(iter(known)))
    listed = ", ".join(f"{key} ({row['name']})" for key, row in known.items()) or "none"
    raise CliError(f"{f'There is no organisation {given}' if given else 'Give --organisation'}; there are: {listed}.")


def _signer() -> "Signer":
    from shared.local.control import read_state
    from shared.security.audit_chain import signer_of
    from shared.security.sealing import SecretSettings

    known: dict[str, str] = read_state(settings_from_here(KeysSettings).data).get("env", {})
    return signer_of(load(SecretSettings, {**known, **environment_from_here()}))


def _read_checkpoints(path: Path) -> "list[Checkpoint]":
    import msgspec

    from shared.security.audit_chain import Checkpoint

    try:
        return [msgspec.json.decode(line, type=Checkpoint) for line in path.read_bytes().splitlines() if line.strip()]
    except (OSError, msgspec.DecodeError) as error:
        raise CliError(f"{path} holds no checkpoints: {error}", 2) from error


def _show(rows: list[Row], columns: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        print_json([{name: row[name] for name in columns} for row in rows])
        return
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(str(row[name]) for name in columns))
    Console(highlight=False, width=max(Console().width, _TABLE_WIDTH)).print(table)
