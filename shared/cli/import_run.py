"""What `sluice import` does: connect, run the job, say how it went."""

import contextlib
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import typer
from rich.console import Console

from shared.cli.client import CliError, Connection, connect, print_json, refused, unreachable
from shared.cli.progress import ImportDisplay
from shared.importing.job import Importer, Job, Totals
from shared.importing.mapping import Mapping, MappingError, parse_mapping
from shared.importing.source import STDIN, SourceError
from shared.importing.transport import Patience, SendError, is_local, open_transport

INTERRUPTED = 130
_SHOWN_EVENTS = 3
_AGAIN = "Running the same command again is harmless and completes it."
_PREFLIGHT_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """The options of the command, as given."""

    files: list[str]
    maps: list[str]
    event: str
    batch: int
    concurrency: int
    patience: float
    rejects: Path | None
    dry_run: bool
    url: str
    key: str
    as_json: bool


def run_import(options: ImportOptions) -> int:
    """Import and print the totals; the exit code is 0 only if every row was accepted. Raises CliError."""
    for name in options.files:
        if name != STDIN and not Path(name).exists():
            raise CliError(f"There is no file {name}.", 2)
    mapping = _mapping(options)
    connection = None if options.dry_run else connect(options.url, options.key, "write")
    job = Job(mapping, connection.project_id if connection else None, options.batch, options.concurrency)
    with contextlib.ExitStack() as stack:
        rejects = _open_rejects(options.rejects)
        display = ImportDisplay(Console(stderr=True), rejects and stack.enter_context(rejects))
        importer = Importer(job, display)
        work = _rehearsal(importer, options) if connection is None else _import(importer, options, connection, display)
        return _run(work, display, importer.totals, options)


def _mapping(options: ImportOptions) -> Mapping:
    try:
        return parse_mapping(options.maps, event=options.event)
    except MappingError as error:
        raise CliError(f"--map: {error}", 2) from error


def _open_rejects(path: Path | None) -> BinaryIO | None:
    try:
        return path.open("wb") if path is not None else None
    except OSError as error:
        raise CliError(f"--rejects: {path} cannot be written: {error.strerror}", 2) from error


def _rehearsal(importer: Importer, options: ImportOptions) -> Callable[[], None]:
    shown: list[bytes] = []

    def show(event: bytes) -> None:
        if len(shown) < _SHOWN_EVENTS and not options.as_json:
            shown.append(event)
            typer.echo(event)

    return lambda: importer.rehearse(options.files, show)


def _import(
    importer: Importer, options: ImportOptions, connection: Connection, display: ImportDisplay
) -> Callable[[], None]:
    _require_alive(connection)
    opens = functools.partial(
        open_transport,
        connection.url,
        connection.key,
        connections=options.concurrency,
        patience=Patience(give_up=options.patience),
        waiting=display.waiting,
    )
    return lambda: importer.run(options.files, opens)


def _require_alive(connection: Connection) -> None:
    """A server that is away later is waited for; one that was never there is a mistake to tell at once."""
    try:
        httpx.get(connection.url + "/healthz", timeout=_PREFLIGHT_SECONDS, trust_env=not is_local(connection.url))
    except httpx.InvalidURL as error:
        raise CliError(f"{connection.url} is not a URL: {error}", 2) from error
    except httpx.TransportError as error:
        raise unreachable(connection.url, error) from error


def _run(work: Callable[[], None], display: ImportDisplay, totals: Totals, options: ImportOptions) -> int:
    started = time.monotonic()
    fault: CliError | None = None
    try:
        with display:
            work()
    except KeyboardInterrupt:
        fault = CliError(f"Interrupted. {_AGAIN}", INTERRUPTED)
    except SourceError as error:
        fault = CliError(f"{error}.")
    except SendError as error:
        fault = refused(str(error), error.status) if error.status else CliError(f"{error}. {_AGAIN}")
    _report(totals, time.monotonic() - started, options)
    if fault is not None:
        raise fault
    return 1 if totals.refused or totals.lost else 0


def _report(totals: Totals, seconds: float, options: ImportOptions) -> None:
    if options.as_json:
        print_json(as_json(totals, seconds, dry_run=options.dry_run))
        return
    out = functools.partial(Console(highlight=False, soft_wrap=True).print, markup=False)
    rate = totals.rows / max(seconds, 1e-3)
    out(f"{totals.rows:>12,} rows read in {seconds:.1f} s ({rate:,.0f}/s)")
    out(f"{totals.accepted:>12,} {'would be sent; nothing was' if options.dry_run else 'accepted'}")
    out(f"{totals.refused:>12,} refused")
    if totals.lost:
        out(f"{totals.lost:>12,} without an answer")
    for reason, count in totals.reasons.most_common():
        out(f"\n{reason}: {count:,}", style="bold")
        for row in totals.examples[reason]:
            out(f"  {row.file}:{row.row}  {row.detail}")


def as_json(totals: Totals, seconds: float, *, dry_run: bool) -> dict[str, Any]:
    """The totals as `--json` prints them; `examples` are the first refused rows of each reason."""
    return {
        "rows": totals.rows,
        "accepted": totals.accepted,
        "refused": totals.refused,
        "lost": totals.lost,
        "seconds": round(seconds, 3),
        "dry_run": dry_run,
        "reasons": dict(totals.reasons),
        "examples": totals.examples,
    }
