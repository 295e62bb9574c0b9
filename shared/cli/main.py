"""The `sluice` command."""

import sys
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from shared.cli import (
    backup,
    bus,
    demo,
    doctor,
    importing,
    keys,
    ledger,
    lifecycle,
    limits,
    people,
    querying,
    reference,
    runtime,
    sealing,
    tokens,
    tracing,
    workspaces,
)
from shared.cli.client import CliError
from shared.config import ConfigError


class _Commands(TyperGroup):
    """Says what went wrong in a sentence instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CliError as error:
            _say(str(error))
            raise typer.Exit(error.code) from error
        except ConfigError as error:
            _say(str(error))
            raise typer.Exit(2) from error


def _say(message: str) -> None:
    Console(stderr=True).print(message, style="red", markup=False, highlight=False, soft_wrap=True)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Sluice: self-hosted event analytics that is exact, durable and scales to zero.",
)
runtime.register(app)
importing.register(app)
querying.register(app)
keys.register(app)
limits.register(app)
people.register(app)
bus.register(app)
reference.register(app)
demo.register(app)
workspaces.register(app)
doctor.register(app)
tokens.register(app)
sealing.register(app)
backup.register(app)
ledger.register(app)
lifecycle.register(app)
tracing.register(app)

if __name__ == "__main__":
    sys.exit(app())
