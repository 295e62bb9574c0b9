"""What auth works with: the catalog, the bus, password hashing, the signing keys, the throttle, the OIDC provider."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from functions.auth.line import Line
from shared.addresses import TRUSTED_PROXIES, TrustedProxies
from shared.bus import Bus, open_bus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK, Clock
from shared.config import PUBLIC_URL, BusSettings, CacheSettings, CatalogSettings, load, setting
from shared.security.passwords import POLICY, Algorithm, Passwords, Policy
from shared.security.sealing import Sealer, SecretSettings, sealer_of
from shared.security.signing_keys import SigningKeys
from shared.security.throttle import LoginThrottle
from shared.security.tokens import Verifier, open_verifier

if TYPE_CHECKING:
    from functions.auth.provider import Provider


@dataclass(frozen=True, kw_only=True)
class Settings(CatalogSettings, BusSettings, CacheSettings, SecretSettings):
    public_url: str = setting("SLUICE_PUBLIC_URL", PUBLIC_URL, default="")
    trusted_proxies: str = setting("SLUICE_TRUSTED_PROXIES", TRUSTED_PROXIES, default="loopback")
    password_policy: Policy = setting("SLUICE_PASSWORD_POLICY", POLICY, default="standard")
    password_hash: Algorithm = setting(
        "SLUICE_PASSWORD_HASH", "argon2 or bcrypt; hashes of the other are replaced at sign-in.", default="argon2"
    )
    registration: Literal["open", "invited"] = setting(
        "SLUICE_REGISTRATION",
        "Who may make an account: anybody (open), or whose address has an open invitation (invited).",
        default="open",
    )
    key_days: float = setting(
        "SLUICE_SIGNING_KEY_DAYS", "How old a signing key gets before it is replaced.", default=30.0
    )
    oidc_issuer: str = setting(
        "SLUICE_OIDC_ISSUER", "An OpenID Connect provider people sign in with, https://login.example.", default=""
    )
    oidc_client_id: str = setting("SLUICE_OIDC_CLIENT_ID", "Our client id at that provider.", default="")
    oidc_client_secret: str = setting(
        "SLUICE_OIDC_CLIENT_SECRET", "Our secret at that provider.", default="", secret=True
    )


@dataclass(frozen=True)
class Ports:
    settings: Settings
    catalog: Catalog
    bus: Bus
    passwords: Passwords
    sealer: Sealer
    keys: SigningKeys
    verifier: Verifier
    throttle: LoginThrottle
    line: Line
    proxies: TrustedProxies
    clock: Clock
    provider: "Provider | None"

    async def ready(self) -> None:
        await self.catalog.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    sealer = sealer_of(settings)
    throttle = LoginThrottle(settings.cache_url)
    catalog, bus = Catalog(settings.catalog_url), open_bus(settings.bus_url)
    passwords = Passwords(settings.password_hash, settings.password_policy)
    provider = _provider(settings)
    yield Ports(
        settings,
        catalog,
        bus,
        passwords,
        sealer,
        SigningKeys(catalog, sealer, SYSTEM_CLOCK),
        open_verifier(catalog),
        throttle,
        Line(),
        TrustedProxies(settings.trusted_proxies),
        SYSTEM_CLOCK,
        provider,
    )
    if provider is not None:
        await provider.close()
    passwords.close()
    await throttle.close()
    await bus.close()
    await catalog.close()


def _provider(settings: Settings) -> "Provider | None":
    if not settings.oidc_issuer:
        return None
    from functions.auth.provider import Provider

    redirect = f"{settings.public_url.rstrip('/')}/api/v1/auth/oidc/callback"
    return Provider(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret, redirect)
