"""`sluice ledger`: the proof that what was accepted is stored or rejected."""

from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from rich.console import Console
from rich.table import Table

from shared.cli.client import CliError, JsonOption, KeyOption, UrlOption, connect, fetch, print_json

PATH = "/api/v1/ledger"
# What a gap ends the command with, for scripts.
GAP = 5


def register(app: typer.Typer) -> None:
    """Add the `ledger` command to `app`."""
    app.command("ledger")(ledger)


def ledger(
    *,
    start: Annotated[str, typer.Option("--from", help="Accepted from this day or instant on.")] = "",
    end: Annotated[str, typer.Option("--to", help="Accepted before this instant, or until this day.")] = "",
    by: Annotated[str, typer.Option("--by", help="minute or hour: each of them, too.")] = "",
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show that accepted = stored + rejected + on the way; ends with 5 where something is missing."""
    given = {name: value for name, value in (("from", start), ("to", end), ("by", by)) if value}
    address = f"{PATH}?{urlencode(given)}" if given else PATH
    found = fetch(connect(url, key, "read"), address)
    if as_json:
        print_json(found)
    else:
        _print(found)
    if not found["balanced"]:
        raise CliError("Something is missing: see the gaps above, and docs/ledger.md.", GAP)


def _print(found: dict[str, Any]) -> None:
    out = Console(highlight=False, markup=False, soft_wrap=True)
    out.print(f"{found['state']}, checked {found['checked_at'] or 'never yet'}")
    out.print(
        f"accepted {found['accepted']:,} = stored {found['stored']:,} + rejected {found['rejected']:,}"
        f" + in flight {found['in_flight']:,} + dead letters {found['dead_letters']:,} + missing {found['missing']:,}"
    )
    out.print(
        f"stored {found['stored']:,} = there now {found['kept']:,} + repeated, erased or expired {found['gone']:,}"
    )
    for gap in found["gaps"]:
        out.print(f"GAP {gap['kind']} in partition {gap['partition']} at {gap['first_offset']}: {gap['detail']}")
    if found["periods"]:
        table = Table("accepted at", "records", "accepted", "stored", "rejected", box=None, pad_edge=False)
        for one in found["periods"]:
            table.add_row(one["start"], *(f"{one[name]:,}" for name in ("records", "accepted", "stored", "rejected")))
        out.print(table)
