"""`sluice up | down | reset | status | logs`: the embedded runtime on this machine."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from shared.cli.client import CliError, environment_from_here, settings_from_here
from shared.local import control
from shared.local.parts import RuntimeSettings
from shared.local.web_build import is_built

_STEPS = {
    "engines": "PostgreSQL, Valkey and ClickHouse (chDB)",
    "migrate": "the schemas of catalog and warehouse",
    "demo": "the demo organisation, project and keys",
    "functions": "the functions",
}
_MIB = 1024 * 1024


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (up, down, reset, status, logs):
        app.command()(command)


def _settings() -> RuntimeSettings:
    return settings_from_here(RuntimeSettings)


def up(
    foreground: Annotated[bool, typer.Option(help="Stay in the foreground, for a service manager.")] = False,  # noqa: FBT002 (a flag of the command line)
) -> None:
    """Start everything on this machine and say what to do next; safe to repeat."""
    settings, out = _settings(), Console(highlight=False)
    state = control.read_state(settings.data)
    if control.is_running(state):
        out.print(f"Sluice is already running ({state['state']}).")
        _next_steps(settings, out)
        return
    if foreground:
        os.execve(sys.executable, [sys.executable, "-m", "shared.local.supervisor"], environment_from_here())  # noqa: S606 (our own module)
    started = time.monotonic()
    try:
        for step in control.start(settings, environment_from_here()):
            if step:
                out.print(f"  starting {_STEPS.get(step, step)} …")
    except control.ControlError as error:
        raise CliError(str(error)) from error
    out.print(f"  ready in {time.monotonic() - started:.1f} s\n")
    _next_steps(settings, out)


def _next_steps(settings: RuntimeSettings, out: Console) -> None:
    path = settings.data / "demo.json"
    if not path.is_file():
        return
    demo: dict[str, str] = json.loads(path.read_text())
    out.print(
        f"""app       {demo["url"]}/app/{_app_state(settings)}
API       {demo["url"]}/api/v1
sign in   {demo["email"]}  password {demo["password"]}
keys      {path}  (write key for events, secret key for queries)

Send a first event:

  curl -s {demo["url"]}/api/v1/events -H 'X-API-Key: {demo["write_key"]}' \\
    -d '{{"event": "page_view", "user_id": "ada", "properties": {{"page": "/"}}}}'

Count it:

  .venv/bin/sluice query count

./task status shows the parts, ./task logs what they say, ./task down stops them.
""",
        soft_wrap=True,
        markup=False,
    )


def _app_state(settings: RuntimeSettings) -> str:
    """What a first visitor has to know: the app is built after the API is up."""
    if settings.web == "off" or is_built():
        return ""
    return f"  (being built, about a minute the first time; {settings.data / 'logs' / 'web.log'})"


def down() -> None:
    """Stop everything; the data stays."""
    try:
        stopped = control.stop(_settings().data)
    except control.ControlError as error:
        raise CliError(str(error)) from error
    typer.echo("Stopped." if stopped else "Nothing was running.")


def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,  # noqa: FBT002 (a flag of the command line)
) -> None:
    """Stop everything and delete all data of this machine's Sluice."""
    data = _settings().data
    if not yes:
        typer.confirm(f"Delete all events, projects and keys in {data.resolve()}?", abort=True)
    try:
        control.stop(data)
        control.remove(data)
    except control.ControlError as error:
        raise CliError(str(error)) from error
    typer.echo(f"Deleted {data}.")


def status(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,  # noqa: FBT002 (a flag of the command line)
) -> None:
    """Show each part, its memory and restarts, and how far the functions lag behind the bus."""
    settings = _settings()
    state = control.read_state(settings.data)
    if not control.is_running(state):
        raise CliError("Sluice is not running here; start it with ./task up")
    parts = control.parts_of(state)
    functions = control.functions_of(state, settings.data)
    lag = _lag(state["env"]["SLUICE_BUS_URL"])
    if as_json:
        shown = {"parts": [p._asdict() for p in parts], "functions": [one._asdict() for one in functions]}
        typer.echo(json.dumps({"state": state["state"], **shown, "lag": lag}))
        return
    table = Table("part", "state", "memory", "restarts", "up for", box=None, pad_edge=False)
    for part in parts:
        table.add_row(
            part.name,
            "running" if part.running else "[red]down[/red]",
            f"{part.memory / _MIB:,.0f} MiB",
            str(part.restarts),
            f"{part.uptime:,.0f} s",
        )
    out = Console(highlight=False)
    out.print(f"Sluice is {state['state']} at {state['url']}\n")
    out.print(table)
    if functions:
        out.print(_functions(functions))
    out.print(
        f"\nmemory in all {(sum(one.memory for one in parts) + sum(one.memory for one in functions)) / _MIB:,.0f} MiB"
    )
    if lag is None:
        out.print("bus lag: unknown, the bus is away")
        return
    for group, count in lag.items():
        out.print(f"bus lag of {group}: {count} records")


def _functions(functions: Sequence[control.FunctionStatus]) -> Table:
    """What each function takes at the moment: nothing, unless it is asked."""
    table = Table("\nfunction", "\nprocesses", "\nmemory", "\nstarts", "\nlast start", box=None, pad_edge=False)
    for one in functions:
        last = f"{one.start_ms:,.0f} ms" if one.starts else ""
        table.add_row(one.name, str(one.processes), f"{one.memory / _MIB:,.0f} MiB", str(one.starts), last)
    return table


def _lag(bus_url: str) -> dict[str, int] | None:
    from shared.bus import BusUnavailableError

    try:
        return asyncio.run(control.lags_of(bus_url))
    except BusUnavailableError:
        return None


def logs(
    part: Annotated[str, typer.Argument(help="edge, work, sources, warehouse, …; all when left out.")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more.")] = False,  # noqa: FBT002 (a flag of the command line)
    lines: Annotated[int, typer.Option("--lines", "-n", help="Lines of each part.")] = 50,
) -> None:
    """Print the parts' log lines (JSON)."""
    folder = _settings().data / "logs"
    files = sorted(folder.glob(f"{part}.log" if part else "*.log"))
    if not files:
        raise CliError(f"no logs of {part or 'any part'} in {folder}")
    command = ["tail", "-n", str(lines), *(["-F"] if follow else []), *map(str, files)]
    subprocess.run(command, check=False)
