"""A project of an instance as its admin works with it: over HTTP, with mails and webhooks that arrive."""

import email
import email.policy
import http.server
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

import httpx
from standardwebhooks import Webhook

from shared.catalog.keys import create_key
from shared.wiring import load_wiring
from tests.e2e.running import Project, Running


class Asking:
    """A project of the instance, asked with a key of the scopes admin, read and export."""

    def __init__(self, instance: Running) -> None:
        self.instance = instance
        self.project: Project = instance.new_project()
        named = uuid.UUID(self.project.id)
        self.key, _ = instance.with_catalog(
            lambda catalog: create_key(catalog, named, "secret", "admin", scopes=["admin", "read", "export"])
        )
        self.address = f"{uuid.uuid4().hex}@example.org"

    def ask(self, method: str, path: str, body: object = None) -> Any:
        reply = self.instance.http.request(method, path, json=body, headers={"X-API-Key": self.key})
        assert reply.is_success, reply.text
        return reply.json() if reply.content else None

    def mails(self) -> list[EmailMessage]:
        """Those to our address, the first first."""
        found = []
        for path in sorted((self.instance.data / "mails").glob("*.eml")):
            read = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if self.address in str(read["to"]):
                found.append(read)
        return found

    def tick(self, function: str) -> None:
        """What the emulated timer posts: the event that the wiring table names, to the function it names."""
        [row] = [row for row in load_wiring().functions if row.name == function]
        [cron] = row.cron
        headers = {"ce-specversion": "1.0", "ce-id": str(uuid.uuid4()), "ce-source": "/test", "ce-type": cron.type}
        url = f"http://127.0.0.1:{self.instance.env['SLUICE_WORK_PORT']}/{row.service}/"
        reply = httpx.post(url, json={}, headers=headers, timeout=60, trust_env=False)
        assert reply.status_code == 204, reply.text


class Receiver:
    """What a webhook's owner runs: it keeps what the reference library of Standard Webhooks says is genuine."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.secret = ""
        self.received: list[Any] = []

    def take(self, body: bytes, headers: dict[str, str]) -> None:
        self.received.append(Webhook(self.secret).verify(body, headers))


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver on the loopback."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.take(body, dict(self.headers.items()))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is said."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
