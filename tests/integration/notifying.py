"""A real mail server, a real receiver of webhooks, and notify as it runs, with short pauses."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import msgspec
import psycopg
from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from functions.notify.answers import deliver
from functions.notify.logic import Courier
from functions.notify.mailers import open_mailer
from functions.notify.ports import Ports
from functions.notify.sending import Sender
from functions.webhooks.matching import Wanted
from shared.bus import Message
from shared.catalog.client import Catalog
from shared.catalog.deliveries import Deliveries
from shared.catalog.webhooks import Webhook, Webhooks, new_secret, place
from shared.clock import SYSTEM_CLOCK
from shared.cloudevent import encode_binary
from shared.http import Reply, Request
from shared.notifications import DUE, Notification, message_of
from shared.objects.memory import MemoryObjects
from shared.outgoing import Outgoing
from shared.security.sealing import Sealer
from shared.security.secrets import SecretBox

NONE = "none"
LOOPBACK = "127.0.0.0/8,::1"
SECRET = "0123456789abcdef" * 4
SOON = (0.05, 0.1, 0.2)

Answers = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]


class Mailbox:
    """A mail server that keeps what it gets; `answer` is what it says to a mail, `hangs` makes it say nothing."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answer = "250 kept"
        self.recipient_answer = "250 OK"
        self.hangs = False
        self.port = 0
        self._server: asyncio.Server | None = None

    async def handle_RCPT(  # noqa: N802 (aiosmtpd names its hooks so)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.recipient_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (as above)
        if self.hangs:
            await asyncio.sleep(60)
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, EmailMessage, policy=default)
            self.mails.append(message)
            self.recipients.extend(map(str, envelope.rcpt_tos))
        return self.answer

    async def start(self) -> None:
        """Listen, on the port of before if there was one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, loop=loop), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"


class Got:
    """A request a receiver got."""

    def __init__(self, headers: Mapping[str, str], body: bytes) -> None:
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Receiver:
    """A receiver of webhooks; `answers` says how it answers, by default 204."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answers: Answers = self.well
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def well(self, request: web.Request, body: bytes) -> web.StreamResponse:
        return web.Response(status=204)

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/hook"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.got.append(Got(request.headers, body))
        return await self.answers(request, body)


class Here:
    """notify with a project, a mail server and a receiver."""

    def __init__(self, catalog_url: str, project: uuid.UUID, *, allow: str, seconds: float, **courier: Any) -> None:
        self.catalog_url = catalog_url
        self.project = project
        self.mailbox = Mailbox()
        self.receiver = Receiver()
        self.catalog = Catalog(catalog_url)
        self.deliveries = Deliveries(self.catalog)
        self.webhooks = Webhooks(self.catalog)
        self.outgoing = Outgoing(allow, seconds=seconds)
        self.box = SecretBox(Sealer(SECRET))
        self.objects = MemoryObjects()
        self._courier = {"delays": SOON, "disable_seconds": 3_600.0, "lease_seconds": 5.0, **courier}

    async def open(self, smtp_url: str = "") -> None:
        await self.mailbox.start()
        await self.receiver.start()
        mailer = open_mailer("" if smtp_url == NONE else smtp_url or self.mailbox.url)
        self.sender = Sender(
            self.outgoing,
            mailer,
            self.box,
            SYSTEM_CLOCK,
            mail_from="Sluice <sluice@example.com>",
            public_url="https://sluice.example",
            objects=self.objects,
        )
        self.courier = self.another()
        self.ports = Ports(self.catalog, self.deliveries, self.webhooks, self.courier, mailer.folder)

    def another(self) -> Courier:
        """A courier, as every process has one."""
        return Courier(self.deliveries, self.webhooks, self.sender, SYSTEM_CLOCK, admins=self.catalog, **self._courier)

    async def close(self) -> None:
        await self.courier.close()
        await self.outgoing.close()
        await self.receiver.stop()
        await self.mailbox.stop()
        await self.catalog.close()

    async def webhook(self, types: Sequence[str] = ("alert.firing",), url: str = "", **wanted: Any) -> Webhook:
        webhook_id, secret = uuid.uuid4(), new_secret()
        made = await self.webhooks.create(
            webhook_id,
            self.project,
            url=url or self.receiver.url,
            description="",
            types=types,
            filter_json=msgspec.json.encode(msgspec.convert(wanted, Wanted)).decode(),
            secret=self.box.seal(secret, place(self.project, webhook_id)),
        )
        assert made is not None
        return made

    def secret(self, webhook: Webhook) -> str:
        """A webhook's clear secret."""
        return self.box.open(webhook.secret, place(self.project, webhook.id))

    async def tell(self, **told: Any) -> Reply:
        """One notification, as its event comes from the bus."""
        given = {"key": str(uuid.uuid4()), "project_id": self.project, "template": "alert_firing", "values": {}, **told}
        return await self.take(message_of(Notification(**given)))

    async def tick(self) -> Reply:
        return await self.take(Message({"specversion": "1.0", "id": "t", "source": "/t", "type": DUE}, b"{}"))

    async def take(self, message: Message) -> Reply:
        return await deliver(posted(message), self.ports)

    def rows(self, columns: str = "state, attempts, error", where: str = "true") -> list[tuple[Any, ...]]:
        """What the catalog says of this project's deliveries, in the order of their making."""
        sql = f"SELECT {columns} FROM deliveries WHERE project_id = %s AND {where} ORDER BY created_at, id"
        with psycopg.connect(self.catalog_url) as connection:
            return connection.execute(sql.encode(), [self.project]).fetchall()

    def run(self, sql: str, *values: Any) -> None:
        with psycopg.connect(self.catalog_url) as connection:
            connection.execute(sql.encode(), list(values))


def posted(message: Message) -> Request:
    """The request by which a source posts a message."""
    headers = [(name.encode(), value.encode()) for name, value in encode_binary(message).items()]
    return asked("POST", "/", message.data, headers)


def asked(method: str, path: str, body: bytes = b"", headers: Sequence[tuple[bytes, bytes]] = ()) -> Request:
    path, _, query = path.partition("?")
    parts: Iterator[dict[str, Any]] = iter([{"type": "http.request", "body": body}])

    async def receive() -> dict[str, Any]:
        return next(parts)

    scope = {"method": method, "path": path, "headers": list(headers), "query_string": query.encode()}
    return Request({**scope, "client": ("127.0.0.1", 1)}, receive)


async def until(holds: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait until something holds; fails after so many seconds."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 (what is waited for is another process's or the catalog's)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def notifying(
    catalog_url: str, *, allow: str = LOOPBACK, seconds: float = 2.0, smtp_url: str = "", **courier: Any
) -> AsyncIterator[Here]:
    """The function on the real catalog, for a project of the test's own."""
    project = uuid.uuid4()
    with psycopg.connect(catalog_url) as connection:
        connection.execute("INSERT INTO organisations (id, name) VALUES (%s, 'o')", [project])
        sql = "INSERT INTO projects (id, organisation_id, name) VALUES (%s, %s, 'p')"
        connection.execute(sql, [project, project])
    here = Here(catalog_url, project, allow=allow, seconds=seconds, **courier)
    await here.open(smtp_url)
    try:
        yield here
    finally:
        await here.close()
