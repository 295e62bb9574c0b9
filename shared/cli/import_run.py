"""What `sluice import` does: connect, run the job, say how it went."""

import codecs
import contextlib
import functools
import importlib
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import httpx
import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.cli.client import (
    ClientSettings,
    CliError,
    Connection,
    connect,
    print_json,
    refused,
    settings_from_here,
    unreachable,
)
from shared.cli.progress import ImportDisplay
from shared.clock import SYSTEM_CLOCK
from shared.importing.formats import Format, ReadOptions
from shared.importing.job import Check, Importer, Job
from shared.importing.mapping import MappingError, parse_mapping
from shared.importing.preset import load_preset
from shared.importing.progress import RefusedRow, Totals
from shared.importing.selection import SelectError, SelectList, parse_select
from shared.importing.source import STDIN, SourceError
from shared.importing.transport import Patience, SendError, is_local, open_transport
from shared.refusals import Refusal, Rejected

INTERRUPTED = 130
_SHOWN_EVENTS = 3
_SHOWN_REFUSALS = 20
_SHOWN_CHARACTERS = 56
_AGAIN = "Running the same command again is harmless and goes on from there."
_PREFLIGHT_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """The options of the command, as given."""

    files: list[str]
    maps: list[str]
    select: str
    preset: str
    event: str
    format: str
    encoding: str
    delimiter: str
    columns: str
    skip: int
    timezone: str
    batch: int
    concurrency: int
    patience: float
    rejects: Path | None
    restart: bool
    dry_run: bool
    rows: int
    url: str
    key: str
    as_json: bool

    def meaning(self) -> str:
        """The options that decide which events a file becomes, as one text."""
        said = [self.maps, self.select, self.preset, self.event, self.format, self.encoding]
        return repr([*said, self.delimiter, self.columns, self.skip, self.timezone])


def run_import(options: ImportOptions) -> int:
    """Import and print the totals; the exit code is 0 only if every row was accepted. Raises CliError."""
    for name in options.files:
        if name != STDIN and not Path(name).exists():
            raise CliError(f"There is no file {name}.", 2)
    job = _job(options)
    with contextlib.ExitStack() as stack:
        rejects = _open_rejects(options.rejects)
        display = ImportDisplay(Console(stderr=True), rejects and stack.enter_context(rejects))
        if options.dry_run:
            return _rehearse(Importer(job, display), options, display)
        connection = connect(options.url, options.key, "write")
        importer = Importer(_with_destination(job, connection, options), display)
        return _run(_import(importer, options, connection, display), display, importer, options)


def _job(options: ImportOptions) -> Job:
    """The job as far as the options tell it; raises CliError for one that cannot be meant."""
    if options.select and options.preset:
        raise CliError("--from is a select list already: give one of --from and --select.", 2)
    preset = load_preset(options.preset) if options.preset else None
    try:
        select = _select(preset.select if preset else options.select)
        mapping = parse_mapping(options.maps, event=options.event, named=select.names if select else ())
    except MappingError as error:
        raise CliError(f"--map: {error}", 2) from error
    except SelectError as error:
        raise CliError(f"--select: {error}.", 2) from error
    return Job(
        mapping,
        batch=options.batch,
        concurrency=options.concurrency,
        read=_read_options(options, preset.format if preset else None),
        select=select,
        columns=preset.columns if preset else {},
        timezone=options.timezone,
        options=options.meaning(),
        restart=options.restart,
    )


def _select(text: str) -> SelectList | None:
    return parse_select(text) if text else None


def _read_options(options: ImportOptions, preset: Format | None) -> ReadOptions:
    try:
        codecs.lookup(options.encoding)
        ZoneInfo(options.timezone)
    except (LookupError, ValueError, OSError) as error:
        raise CliError(f"--encoding or --timezone: {error}.", 2) from error
    delimiter = {"tab": "\t", "\\t": "\t"}.get(options.delimiter, options.delimiter)
    if len(delimiter) > 1 or delimiter in {'"', "\n", "\r"}:
        raise CliError("--delimiter is one character, or tab.", 2)
    return ReadOptions(
        format=Format(options.format) if options.format else preset,
        encoding=options.encoding,
        delimiter=delimiter,
        columns=tuple(options.columns.split(",")) if options.columns else (),
        skip=options.skip,
    )


def _with_destination(job: Job, connection: Connection, options: ImportOptions) -> Job:
    return job._replace(
        project_id=connection.project_id,
        memory=None if STDIN in options.files else settings_from_here(ClientSettings).data / "imports",
        destination=f"{connection.url} {connection.project_id or connection.key}",
    )


def _open_rejects(path: Path | None) -> BinaryIO | None:
    try:
        return path.open("ab") if path is not None else None
    except OSError as error:
        raise CliError(f"--rejects: {path} cannot be written: {error.strerror}", 2) from error


def _rehearse(importer: Importer, options: ImportOptions, display: ImportDisplay) -> int:
    shown: list[bytes] = []

    def show(event: bytes) -> None:
        if len(shown) < _SHOWN_EVENTS and not options.as_json:
            shown.append(event)
            typer.echo(event)

    check = ingest_check()
    return _run(lambda: importer.rehearse(options.files, check, show, options.rows or None), display, importer, options)


def ingest_check() -> Check:
    """The check that ingest makes of each event, on this machine: raises Rejected with ingest's own words."""
    # Loaded by name, as shared/serve.py loads a function: what is shared imports no function.
    validation = importlib.import_module("functions.ingest.validate")
    arrived = validation.arrival(uuid.NAMESPACE_URL, SYSTEM_CLOCK.micros())
    return functools.partial(_checked, validation, arrived)


def _checked(validation: Any, arrived: Any, event: bytes) -> None:
    try:
        validation.validate(event, arrived, bytes(10))
    except msgspec.DecodeError as error:
        raise Rejected(Refusal.BAD_TEXT, f"a text is not valid Unicode: {error}") from error
    except RecursionError as error:
        raise Rejected(Refusal.TOO_DEEP, "the event is nested too deeply") from error


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


def _run(work: Callable[[], None], display: ImportDisplay, importer: Importer, options: ImportOptions) -> int:
    started = time.monotonic()
    fault: CliError | None = None
    try:
        with display:
            work()
    except KeyboardInterrupt:
        fault = CliError(f"Interrupted. {_AGAIN}", INTERRUPTED)
    except SourceError as error:
        fault = CliError(f"{error}.")
    except SelectError as error:
        fault = CliError(f"--select: {error}.", 2)
    except MappingError as error:
        fault = CliError(f"--map: {error}.", 2)
    except SendError as error:
        fault = refused(str(error), error.status) if error.status else CliError(f"{error}. {_AGAIN}")
    totals, unmapped = importer.totals, importer.unmapped()
    for field, path in unmapped.items():
        display.say(f"Warning: no row that was read has a value at {path!r}, so no event has the {field} of --map.")
    _report(totals, unmapped, time.monotonic() - started, options)
    if fault is not None:
        raise fault
    return 1 if totals.refused or totals.lost else 0


def _report(totals: Totals, unmapped: dict[str, str], seconds: float, options: ImportOptions) -> None:
    if options.as_json:
        print_json(as_json(totals, unmapped, seconds, dry_run=options.dry_run))
        return
    console = Console(highlight=False, soft_wrap=True)
    out = functools.partial(console.print, markup=False)
    rate = totals.rows / max(seconds, 1e-3)
    out(f"{totals.rows:>12,} rows read in {seconds:.1f} s ({rate:,.0f}/s)")
    out(f"{totals.accepted:>12,} {'would be sent; nothing was' if options.dry_run else 'accepted'}")
    out(f"{totals.refused:>12,} refused")
    if totals.lost:
        out(f"{totals.lost:>12,} without an answer")
    if unmapped:
        mapped = ", ".join(f"{field}={path}" for field, path in unmapped.items())
        out(f"{len(unmapped):>12,} mapped and in no row: {mapped}")
    if totals.refused:
        Console(highlight=False).print(_refusals(totals, several=len(options.files) > 1))


def _refusals(totals: Totals, *, several: bool) -> Table:
    """The first refused rows, the commonest reasons first; their files only where there are `several`."""
    table = Table(box=None, pad_edge=False)
    for name in ("refused", "row"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("what is wrong, and what the row says", overflow="fold")
    for reason, count in Counter(totals.reasons).most_common(_SHOWN_REFUSALS):
        for place, row in enumerate(totals.examples[reason]):
            table.add_row(f"{count:,}" if place == 0 else "", str(row.row), _shown(row, several=several))
    return table


def _shown(row: RefusedRow, *, several: bool) -> Text:
    parts = [f"{row.reason}: {row.detail}" if row.detail else row.reason]
    parts += [f"in {_shortened(row.file)}"] if several else []
    parts += [row.line[:_SHOWN_CHARACTERS]] if row.line else []
    # A row may hold what a terminal obeys.
    return Text(
        "\n".join("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in part) for part in parts)
    )


def _shortened(file: str) -> str:
    return file if len(file) <= _SHOWN_CHARACTERS else "…" + file[1 - _SHOWN_CHARACTERS :]


def as_json(totals: Totals, unmapped: dict[str, str], seconds: float, *, dry_run: bool) -> dict[str, Any]:
    """The totals as `--json` prints them.

    `examples` are the first refused rows of each reason, `unmapped` the mapped fields that no row had.
    """
    return {
        "rows": totals.rows,
        "accepted": totals.accepted,
        "refused": totals.refused,
        "lost": totals.lost,
        "seconds": round(seconds, 3),
        "dry_run": dry_run,
        "reasons": totals.reasons,
        "examples": totals.examples,
        "unmapped": unmapped,
    }
