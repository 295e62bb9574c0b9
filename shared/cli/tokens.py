"""`sluice token`: signing keys replaced, and short tokens for developers, straight from the catalog."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
import typer

from shared.catalog.client import Catalog
from shared.cli.client import CliError, environment_from_here, settings_from_here
from shared.cli.recording import recorded
from shared.config import DATA, CatalogSettings, load, setting
from shared.refusals import UnavailableError
from shared.security.sealing import SecretSettings, sealer_of

if TYPE_CHECKING:  # needed for its type alone
    from shared.security.signing_keys import SigningKeys

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class _Where:
    data: Path = setting("SLUICE_DATA", DATA, default=Path(".sluice"))


@dataclass(frozen=True, kw_only=True)
class TokenSettings(CatalogSettings, SecretSettings):
    """The catalog and the secret of an instance."""


def register(app: typer.Typer) -> None:
    """Add the `token` commands to `app`."""
    token = typer.Typer(no_args_is_help=True, help="The keys that sign access tokens, and tokens for developers.")
    token.command("rotate")(rotate)
    token.command("dev")(dev)
    app.add_typer(token, name="token")


def rotate(
    *,
    compromised: Annotated[
        bool, typer.Option("--compromised", help="The keys before verify nothing from now on; people refresh.")
    ] = False,
) -> None:
    """Make the next signing key; tokens of the one before stay good until they end."""

    async def work(catalog: Catalog, keys: "SigningKeys") -> str:
        kid = await keys.rotate(compromised=compromised)
        after = {"compromised": compromised}
        await recorded(catalog, None, "signing_key.rotated", f"signing_key:{kid}", after=after)
        return kid

    typer.echo(f"The key {_run(work)} signs {'now' if compromised else 'in a few seconds'}.")


def dev(email: Annotated[str, typer.Option(help="Whose token; by default the demo user's.")] = "") -> None:
    """Print an access token that is good for 15 minutes; not in production."""
    settings = token_settings()
    if settings.mode == "production":
        raise CliError("Tokens for developers are not made in production (SLUICE_MODE): sign in instead.")
    typer.echo(_run(lambda catalog, keys: _issued(catalog, keys, email or _demo_email())))


async def _issued(catalog: Catalog, keys: "SigningKeys", email: str) -> str:
    from shared.security import sessions

    users = await catalog.rows("auth/find_user_by_email", {"email": email.lower()})
    if not users or users[0]["blocked_at"] is not None:
        raise CliError(f"Nobody signs in as {email}.")
    user_id: uuid.UUID = users[0]["id"]
    grant = await sessions.start(catalog, user_id, "api", "password", user_agent="sluice token dev")
    target = f"session:{grant.session_id}"
    await recorded(catalog, None, "session.started", target, after={"method": "sluice token dev", "user": email})
    return await keys.issue(user_id, grant.session_id)


def _demo_email() -> str:
    path = settings_from_here(_Where).data / "demo.json"
    try:
        return str(msgspec.json.decode(path.read_bytes())["email"])
    except (OSError, msgspec.DecodeError, KeyError, TypeError) as error:
        raise CliError(f"There is no demo user in {path}: name somebody with --email.") from error


def token_settings() -> TokenSettings:
    """The environment's, else the local instance's."""
    from shared.local.control import read_state

    here = environment_from_here()
    local: dict[str, Any] = read_state(settings_from_here(_Where).data).get("env", {})
    return load(TokenSettings, {**local, **{name: value for name, value in here.items() if value}})


def _run(work: "Callable[[Catalog, SigningKeys], Awaitable[T]]") -> T:
    from shared.security.signing_keys import SigningKeys

    async def connected() -> T:
        settings = token_settings()
        catalog = Catalog(settings.catalog_url)
        try:
            return await work(catalog, SigningKeys(catalog, sealer_of(settings)))
        finally:
            await catalog.close()

    try:
        return asyncio.run(connected())
    except UnavailableError as error:
        raise CliError("The catalog does not answer; `sluice up` starts the local one.", 3) from error
