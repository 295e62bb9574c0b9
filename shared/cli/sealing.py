"""`sluice secrets`: what the catalog keeps sealed, straight from the catalog."""

import asyncio

import typer

from shared.catalog.client import Catalog
from shared.cli.client import CliError
from shared.cli.tokens import token_settings
from shared.refusals import UnavailableError
from shared.security.resealing import Resealed, reseal
from shared.security.sealing import sealer_of


def register(app: typer.Typer) -> None:
    """Add the `secrets` commands to `app`."""
    secrets = typer.Typer(no_args_is_help=True, help="What the catalog keeps sealed with JWT_SECRET_KEY.")
    secrets.callback()(_commands)
    secrets.command("reseal")(seal_anew)
    app.add_typer(secrets, name="secrets")


def _commands() -> None:
    """With one command only, its name would be left out."""


def seal_anew() -> None:
    """Seal everything anew with JWT_SECRET_KEY, so that JWT_SECRET_KEY_BEFORE can be dropped."""
    try:
        done = asyncio.run(_done())
    except UnavailableError as error:
        raise CliError("The catalog does not answer; `sluice up` starts the local one.", 3) from error
    typer.echo(f"{done.sealed} secrets: {done.anew} were sealed anew, {len(done.closed)} do not open.")
    if done.closed:
        shown = "\n".join(done.closed[:20])
        raise CliError(f"Sealed with a secret that is not known; set JWT_SECRET_KEY_BEFORE to it:\n{shown}", 4)
    typer.echo("The secret before (JWT_SECRET_KEY_BEFORE) is needed no more.")


async def _done() -> Resealed:
    from shared.security.audit_chain import signer_of

    settings = token_settings()
    catalog = Catalog(settings.catalog_url)
    try:
        return await reseal(catalog, sealer_of(settings), signer_of(settings))
    finally:
        await catalog.close()
