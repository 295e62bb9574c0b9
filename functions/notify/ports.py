"""What notify works with: the catalog with its deliveries, the mail server, the client for webhooks, the courier."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from functions.notify.logic import LEASE_SECONDS, Courier
from functions.notify.mailers import Mailer, open_mailer
from functions.notify.sending import Sender
from shared.catalog.client import Catalog
from shared.catalog.deliveries import Deliveries
from shared.catalog.webhooks import Webhooks
from shared.clock import SYSTEM_CLOCK
from shared.config import PUBLIC_URL, SMTP_URL, CatalogSettings, ObjectsSettings, OutgoingSettings, load, setting
from shared.objects import open_objects
from shared.outgoing import Outgoing
from shared.security.sealing import SecretSettings, sealer_of
from shared.security.secrets import SecretBox


@dataclass(frozen=True, kw_only=True)
class Settings(CatalogSettings, OutgoingSettings, SecretSettings, ObjectsSettings):
    smtp_url: str = setting("SLUICE_SMTP_URL", SMTP_URL, default="", secret=True)
    mail_from: str = setting("SLUICE_MAIL_FROM", "Who mails are from.", default="Sluice <sluice@localhost>")
    public_url: str = setting("SLUICE_PUBLIC_URL", PUBLIC_URL, default="")
    lease: float = setting(
        "SLUICE_DELIVERY_LEASE_SECONDS",
        "After how long another worker tries the delivery of one that died; more than a try takes.",
        default=LEASE_SECONDS,
    )
    disable_hours: float = setting(
        "SLUICE_WEBHOOK_DISABLE_HOURS",
        "A webhook that has answered nothing but errors for so long is disabled, and its admins are told.",
        default=72.0,
    )


@dataclass(frozen=True)
class Ports:
    catalog: Catalog
    deliveries: Deliveries
    webhooks: Webhooks
    courier: Courier
    mails: Path | None
    """The folder mails are kept in; None where they are sent."""

    async def ready(self) -> None:
        await self.catalog.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    mailer: Mailer = open_mailer(settings.smtp_url)
    catalog, outgoing = Catalog(settings.catalog_url), Outgoing(settings.outgoing_allow)
    deliveries, webhooks = Deliveries(catalog), Webhooks(catalog)
    box = SecretBox(sealer_of(settings))
    objects = open_objects(settings.objects)
    sender = Sender(
        outgoing,
        mailer,
        box,
        SYSTEM_CLOCK,
        mail_from=settings.mail_from,
        public_url=settings.public_url,
        objects=objects,
    )
    courier = Courier(
        deliveries,
        webhooks,
        sender,
        SYSTEM_CLOCK,
        admins=catalog,
        disable_seconds=settings.disable_hours * 3_600,
        lease_seconds=settings.lease,
    )
    # What an earlier life was at, or what came due while there was none.
    courier.wake()
    yield Ports(catalog, deliveries, webhooks, courier, mailer.folder)
    await courier.close()
    await outgoing.close()
    objects.close()
    await catalog.close()
