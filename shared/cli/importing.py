"""`sluice import`: the command and its options; `import_run` does the work."""

from pathlib import Path
from typing import Annotated

import typer

from shared.cli.client import JsonOption, KeyOption, UrlOption

HELP = (
    "Import rows of NDJSON files, plain or gz ('-' is the standard input), as events.\n\n"
    "A row's own event, user_id, anonymous_id, session_id, timestamp and properties mean what they say unless "
    "--map says otherwise; everything not mapped goes into the properties unchanged. Every row needs an event "
    "name and a timestamp.\n\n"
    "Importing the same rows again changes nothing: a row's id is made of its file's content and its line "
    "number. The content decides, not the file's name; a file that grew by one line is another file. So after "
    "an interruption just run the same command again. To keep ids of your own, map them: --map id=order_id."
)

MapsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="FIELD=PATH,…",
        help="Which field of a row is ours: user_id=account.id; FIELD='text' is a constant. May be repeated.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add `import` to `app`."""
    app.command("import", help=HELP)(import_files)


def import_files(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="NDJSON, plain or gz; '-' is stdin.")],
    *,
    maps: MapsOption = None,
    event: Annotated[str, typer.Option(metavar="NAME", help="The event name of every row.")] = "",
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Events in one request.")] = 1_000,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Requests at once.")] = 4,
    patience: Annotated[float, typer.Option(min=0, help="Seconds to wait for a server that is away.")] = 300,
    rejects: Annotated[Path | None, typer.Option(help="Write refused rows and why to this file.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and map everything, send nothing.")] = False,
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    from shared.cli.import_run import ImportOptions, run_import

    options = ImportOptions(
        files=files,
        maps=maps or [],
        event=event,
        batch=batch,
        concurrency=concurrency,
        patience=patience,
        rejects=rejects,
        dry_run=dry_run,
        url=url,
        key=key,
        as_json=as_json,
    )
    raise typer.Exit(run_import(options))
