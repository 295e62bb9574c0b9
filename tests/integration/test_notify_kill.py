"""notify as a process of its own, killed in the middle of a delivery: another sends it, under the same id."""

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from shared.cloudevent import encode_binary
from shared.notifications import Notification, message_of
from tests.integration.door_process import free_port
from tests.integration.notifying import LOOPBACK, SECRET, Here, notifying, until

ROOT = Path(__file__).resolve().parents[2]


class Process:
    """`python -m shared.function notify`, with leases of a second."""

    def __init__(self, catalog_url: str, here: Here) -> None:
        self.port = free_port()
        env = {
            **os.environ,
            "PORT": str(self.port),
            "SLUICE_CATALOG_URL": catalog_url,
            "JWT_SECRET_KEY": SECRET,
            "SLUICE_SMTP_URL": here.mailbox.url,
            "SLUICE_OUTGOING_ALLOW": LOOPBACK,
            "SLUICE_DELIVERY_LEASE_SECONDS": "1",
        }
        self._process = subprocess.Popen([sys.executable, "-m", "shared.function", "notify"], cwd=ROOT, env=env)

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        address = f"http://127.0.0.1:{self.port}{path}"
        async with aiohttp.ClientSession() as session, session.post(address, data=body, headers=headers) as answer:
            return answer.status

    async def ready(self) -> None:
        async with asyncio.timeout(30), aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.1)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(timeout=30)


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for process in started:
        process.kill()


async def test_what_was_under_way_when_notify_was_killed_is_sent_by_the_next(
    catalog_url: str, processes: list[Process]
) -> None:
    """The receiver and the mail server hang, notify dies by kill -9; the next life delivers each once."""
    arrived, open_again = asyncio.Event(), asyncio.Event()

    async def hanging(request: web.Request, body: bytes) -> web.StreamResponse:
        arrived.set()
        await open_again.wait()
        return web.Response()

    async with notifying(catalog_url) as here:
        await here.webhook()
        here.receiver.answers, here.mailbox.hangs = hanging, True
        first = Process(catalog_url, here)
        processes.append(first)
        await first.ready()
        told = Notification(
            key=str(uuid.uuid4()),
            project_id=here.project,
            template="alert_firing",
            values={"name": "killed"},
            emails=["a@example.com"],
            subscribers="alert.firing",
        )
        message = message_of(told)
        assert await first.post("/", message.data, encode_binary(message)) == 204
        await asyncio.wait_for(arrived.wait(), 20)
        first.kill()
        assert {state for (state,) in here.rows("state")} == {"queued"}
        here.receiver.answers, here.mailbox.hangs = here.receiver.well, False
        second = Process(catalog_url, here)
        processes.append(second)
        await until(lambda: len(here.rows(where="state = 'delivered'")) == 2, seconds=30)
        open_again.set()
        assert len(here.mailbox.mails) == 1
        assert len(here.receiver.got) == 2
        assert len({got.id for got in here.receiver.got}) == 1
        assert len({got.body for got in here.receiver.got}) == 1
        assert second.kill(signal.SIGTERM) in {0, -signal.SIGTERM}


async def test_a_mail_page_is_for_laptops_only(catalog_url: str, processes: list[Process]) -> None:
    async with notifying(catalog_url) as here:
        process = Process(catalog_url, here)
        processes.append(process)
        await process.ready()
        address = f"http://127.0.0.1:{process.port}/dev/mails"
        async with aiohttp.ClientSession() as session, session.get(address) as answer:
            assert answer.status == 404
