"""Starts the embedded warehouse as the process it is, on a free port and a folder of its own."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

PASSWORD = "pass word'\"ü"
OPERATOR_PASSWORD = "only looking"


# Below what the system gives to connections that go out: nobody else's takes the port before a server has it.
_PORTS = range(20_000, 32_000)


def free_port() -> int:
    """A port nobody listens on."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class WarehouseProcess:
    """One running warehouse; `post` speaks to it as `sluice`."""

    def __init__(self, data: Path, env: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")},
            "SLUICE_DATA": str(data),
            "SLUICE_WAREHOUSE_PORT": str(self.port),
            "SLUICE_WAREHOUSE_PASSWORD": PASSWORD,
            **(env or {}),
        }
        self.client = httpx.Client(
            base_url=self.url,
            auth=httpx.BasicAuth(b"sluice", PASSWORD.encode()),
            headers={"Accept-Encoding": "identity"},
            timeout=30,
        )
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-m", "shared.local.warehouse"], env=self._env)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if self.client.get("/ping").status_code == httpx.codes.OK:
                    return process
            time.sleep(0.05)
        raise AssertionError(f"the warehouse did not start: exit code {process.poll()}")

    def post(self, sql: str | bytes, **fields: str) -> httpx.Response:
        return self.client.post("/", params=fields, content=sql)

    def text(self, sql: str | bytes, **fields: str) -> str:
        reply = self.post(sql, **fields)
        assert reply.status_code == httpx.codes.OK, reply.text
        return reply.text.removesuffix("\n")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def restart(self) -> None:
        self.process = self._start()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


@contextlib.contextmanager
def warehouse_process(data: Path, **env: str) -> Iterator[WarehouseProcess]:
    with WarehouseProcess(data, env) as process:
        yield process
