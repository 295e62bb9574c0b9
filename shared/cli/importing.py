"""`sluice import`: the command and its options; `import_run` does the work."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from shared.cli.client import JsonOption, KeyOption, UrlOption

# Those of shared/importing/preset.py and formats.py: importing them would slow every command down; a test compares.
PresetName = Literal["amplitude", "ga4", "mixpanel", "nginx", "plausible", "posthog", "umami"]
FormatName = Literal["ndjson", "json", "csv", "parquet", "lines"]

HELP = (
    "Import rows of files as events: NDJSON, a JSON list, CSV or Parquet, plain, gz or zst ('-' is the standard "
    "input).\n\n"
    "A row's own event, user_id, anonymous_id, session_id, timestamp and properties mean what they say; --map says "
    "otherwise, and --select computes them in SQL. Everything else goes into the properties. Every row needs an "
    "event name and a timestamp. --dry-run shows what would be sent and refused.\n\n"
    "Importing the same rows again changes nothing: a row's id is made of its file's content and its place in it. "
    "The content decides, not the file's name; a file that grew by one row is another file. An import that was "
    "broken off goes on where it was when the same command is run again.\n\n"
    "docs/import.md has examples, the presets of --from, and how values are read."
)

FilesArgument = Annotated[list[str], typer.Argument(metavar="FILE", help="Files; '-' is the standard input.")]
MapsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="FIELD=PATH,…",
        help="Which field of a row is ours: user_id=account.id; FIELD='text' is a constant. May be repeated.",
    ),
]
SelectOption = Annotated[
    str,
    typer.Option(
        metavar="SQL",
        help='What stands between SELECT and FROM (DuckDB\'s SQL): "*, price::DOUBLE * pieces::INT AS revenue".',
    ),
]
PresetOption = Annotated[
    PresetName | None, typer.Option("--from", help="The files are another product's export.", show_default=False)
]
FormatOption = Annotated[
    FormatName | None, typer.Option("--format", help="The files' format; else it is seen from them.")
]
EventOption = Annotated[str, typer.Option(metavar="NAME", help="The event name of every row.")]
EncodingOption = Annotated[str, typer.Option(help="Of CSV and lines, as in cp1252 or utf-16.")]
DelimiterOption = Annotated[str, typer.Option(help="Between the cells of a CSV; else it is seen from the first line.")]
ColumnsOption = Annotated[str, typer.Option(metavar="A,B,…", help="The columns of a CSV that has no header.")]
SkipOption = Annotated[int, typer.Option(min=0, help="Lines to leave out at the beginning of each file.")]
TimezoneOption = Annotated[str, typer.Option(help="Of times in an export that has them in local time (mixpanel).")]
RowsOption = Annotated[int, typer.Option(min=0, help="Rows of each file that --dry-run reads; 0 is all.")]


def register(app: typer.Typer) -> None:
    """Add `import` to `app`."""
    app.command("import", help=HELP)(import_files)


def import_files(
    files: FilesArgument,
    *,
    maps: MapsOption = None,
    select: SelectOption = "",
    preset: PresetOption = None,
    event: EventOption = "",
    format_: FormatOption = None,
    encoding: EncodingOption = "utf-8",
    delimiter: DelimiterOption = "",
    columns: ColumnsOption = "",
    skip: SkipOption = 0,
    timezone: TimezoneOption = "UTC",
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Events in one request.")] = 1_000,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Requests at once.")] = 4,
    patience: Annotated[float, typer.Option(min=0, help="Seconds to wait for a server that is away.")] = 300,
    rejects: Annotated[Path | None, typer.Option(help="Write refused rows and why to this file.")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew what was broken off.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and check, show what is refused, send nothing.")
    ] = False,
    rows: RowsOption = 1_000,
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    from shared.cli.import_run import ImportOptions, run_import

    options = ImportOptions(
        files=files,
        maps=maps or [],
        select=select,
        preset=preset or "",
        event=event,
        format=format_ or "",
        encoding=encoding,
        delimiter=delimiter,
        columns=columns,
        skip=skip,
        timezone=timezone,
        batch=batch,
        concurrency=concurrency,
        patience=patience,
        rejects=rejects,
        restart=restart,
        dry_run=dry_run,
        rows=rows,
        url=url,
        key=key,
        as_json=as_json,
    )
    raise typer.Exit(run_import(options))
