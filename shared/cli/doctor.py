"""`sluice doctor`: looks at what commonly goes wrong and says what to do."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from shared.cli.client import CliError, JsonOption, KeyOption, UrlOption, connect, print_json, settings_from_here
from shared.geo import GeoSettings
from shared.local import control
from shared.local.ports import LocalSettings

if TYPE_CHECKING:  # loads an HTTP client, which the other commands need not wait for
    from shared.cli.checks import Finding


def register(app: typer.Typer) -> None:
    """Add `doctor` to `app`."""
    app.command()(doctor)


def doctor(
    *,
    send: Annotated[
        bool, typer.Option("--send", help="Also store one event named sluice_doctor and wait until it counts.")
    ] = False,
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Check machine, ports, parts, bus, clock and keys; reads only, unless --send. Exit code 1 if anything is wrong."""
    out, well = Console(highlight=False, soft_wrap=True), True
    findings = []
    for finding in _findings(url, key, send=send):
        well &= finding.well
        findings.append(finding)
        if not as_json:
            _print(out, finding)
    if as_json:
        print_json(findings)
    raise typer.Exit(0 if well else 1)


def _findings(url: str, key: str, *, send: bool) -> Iterator["Finding"]:
    from shared.cli import checks

    settings = settings_from_here(LocalSettings)
    yield from checks.machine(settings.data)
    yield from checks.countries(settings_from_here(GeoSettings).geo_file)
    state = control.read_state(settings.data)
    running = control.is_running(state)
    if running or not url:
        yield from checks.ports(settings, running=running)
    if running:
        yield from checks.parts(state, settings)
        yield from checks.bus_lag(state["env"]["SLUICE_BUS_URL"])
    try:
        write, read = connect(url, key, "write"), connect(url, key, "read")
    except CliError as error:
        yield checks.Finding("server", False, "not known", str(error))
        return
    yield from checks.server(write, read)
    if send:
        yield from checks.round_trip(write, read)


def _print(out: Console, finding: "Finding") -> None:
    mark, style = ("✓", "green") if finding.well else ("✗", "red")
    out.print(mark, style=style, end=" ")
    out.print(f"{finding.what}: {finding.fact}", markup=False)
    if not finding.well:
        out.print(f"  {finding.advice}", markup=False)
