"""`sluice reference`: the reference tables of a project, straight from the catalog."""

import csv
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from shared.catalog.client import Catalog
from shared.cli.client import CliError, JsonOption, print_json, settings_from_here
from shared.cli.keys import KeysSettings, ProjectOption, project_of, with_catalog
from shared.cli.recording import recorded
from shared.refusals import Rejected

if TYPE_CHECKING:  # needed for their types alone
    from shared.catalog.reference_tables import ReferenceTableInfo

_JSON_SUFFIXES = (".json",)
Rows = dict[str, dict[str, str | int | float | bool | None]]


def register(app: typer.Typer) -> None:
    """Add the `reference` commands to `app`."""
    reference = typer.Typer(
        no_args_is_help=True,
        help="Tables that add attributes to events as they arrive: a product's name by its number.",
    )
    reference.command("list")(list_all)
    reference.command("put")(put)
    reference.command("remove")(remove)
    app.add_typer(reference, name="reference")


def list_all(*, project: ProjectOption = "", as_json: JsonOption = False) -> None:
    """Show a project's reference tables."""
    from shared.catalog.reference_tables import list_tables

    settings = settings_from_here(KeysSettings)

    async def work(catalog: Catalog) -> list["ReferenceTableInfo"]:
        return await list_tables(catalog, await project_of(catalog, settings, project))

    tables = with_catalog(settings, work)
    if as_json:
        print_json(tables)
        return
    shown = Table("name", "field", "rows", "changed", box=None, pad_edge=False)
    for table in tables:
        shown.add_row(table.name, table.field, f"{table.row_count:,}", f"{table.updated_at:%Y-%m-%d %H:%M}")
    Console(highlight=False).print(shown)


def put(
    name: Annotated[str, typer.Argument(help="The table's name: its attributes become lookups.NAME.ATTRIBUTE.")],
    file: Annotated[
        Path,
        typer.Argument(help="CSV with a header, or JSON: {key: {attribute: value}}.", exists=True, dir_okay=False),
    ],
    *,
    field: Annotated[str, typer.Option(help="What of an event is looked up: country, properties.product_id, …")],
    key: Annotated[str, typer.Option(help="CSV: the column with the key; else the first.")] = "",
    project: ProjectOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a reference table, or replace it; counts for events that arrive from half a minute later on."""
    from shared.catalog.reference_tables import put_table

    settings = settings_from_here(KeysSettings)
    rows = _read(file, key)

    async def work(catalog: Catalog) -> "ReferenceTableInfo":
        found = await project_of(catalog, settings, project)
        table = await put_table(catalog, found, name, field, rows)
        after = {"field": table.field, "rows": table.row_count}
        await recorded(catalog, found, "reference_table.put", f"reference_table:{name}", after=after)
        return table

    try:
        table = with_catalog(settings, work)
    except Rejected as error:
        raise CliError(f"{file}: {error.detail}.", 2) from error
    if as_json:
        print_json(table)
    else:
        typer.echo(f"{table.name}: {table.row_count:,} rows, looked up by {table.field}; in use within 30 seconds.")


def remove(
    name: Annotated[str, typer.Argument(help="The table's name.")],
    *,
    project: ProjectOption = "",
    as_json: JsonOption = False,
) -> None:
    """Remove a reference table; what events got from it stays with them."""
    from shared.catalog.reference_tables import remove_table

    settings = settings_from_here(KeysSettings)

    async def work(catalog: Catalog) -> tuple[uuid.UUID, bool]:
        found = await project_of(catalog, settings, project)
        removed = await remove_table(catalog, found, name)
        if removed:
            await recorded(catalog, found, "reference_table.removed", f"reference_table:{name}")
        return found, removed

    found, removed = with_catalog(settings, work)
    if not removed:
        raise CliError(f"There is no reference table {name} in project {found}; `sluice reference list` shows them.")
    if as_json:
        print_json({"removed": name, "project_id": found})
    else:
        typer.echo(f"Removed {name}.")


def _read(file: Path, key: str) -> Rows:
    """The rows of a file; raises CliError where it is neither such a JSON nor such a CSV."""
    try:
        if file.suffix.lower() in _JSON_SUFFIXES:
            return msgspec.json.decode(file.read_bytes(), type=Rows)
        with file.open(encoding="utf-8-sig", newline="") as source:
            return _read_csv(csv.DictReader(source, strict=True), key, file)
    except (msgspec.MsgspecError, UnicodeDecodeError, csv.Error) as error:
        raise CliError(f"{file} cannot be read: {error}. Give UTF-8 CSV or a JSON object of objects.", 2) from error


def _read_csv(lines: "csv.DictReader[str]", key: str, file: Path) -> Rows:
    columns = lines.fieldnames or []
    by = key or next(iter(columns), "")
    if by not in columns or len(columns) < len((by, "an attribute")):
        raise CliError(
            f"{file} has the columns {', '.join(columns) or 'none'}; it needs {by or 'a key'} and another.", 2
        )
    rows: Rows = {}
    for line in lines:
        if None in line or None in line.values():
            raise CliError(f"{file}, line {lines.line_num}: not as many values as the header has names.", 2)
        at = line.pop(by)
        if at in rows:
            raise CliError(f"{file}, line {lines.line_num}: the key {at!r} is there twice.", 2)
        rows[at] = dict(line)
    return rows
