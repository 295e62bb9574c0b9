"""A real S3 server for tests: versitygw on a folder, built once per machine from its Go module."""

import os
import secrets
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

import psutil
import pytest

from tests.integration.door_process import free_port

MODULE = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
BUILD_SECONDS = 1_200
READY_SECONDS = 20.0


def binary() -> Path:
    """The server's program; skips where it is not built and there is no Go, unless engines are required."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sluice" / "bin"
    found = cache / "versitygw"
    if not found.is_file():
        if shutil.which("go") is None:
            _missing("no Go to build the S3 server with")
        cache.mkdir(parents=True, exist_ok=True)
        argv = ["go", "install", "-ldflags=-s -w", MODULE]
        built = subprocess.run(
            argv,
            env={**os.environ, "GOBIN": str(cache)},
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
        if built.returncode:
            _missing(f"the S3 server does not build: {built.stderr[-500:]}")
    return found


def _missing(why: str) -> None:
    if os.environ.get("SLUICE_REQUIRE_ENGINES") == "1":
        pytest.fail(why)
    pytest.skip(why)


class S3Server:
    """The server on a free port, with one bucket; `url` is the storage there, `url_of` one with other parts."""

    bucket = "sluice-test"

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="s3"))
        self.port = free_port()
        self.key, self.secret = "testkey", secrets.token_urlsafe(16)
        self.endpoint = f"http://127.0.0.1:{self.port}"
        (self.folder / self.bucket).mkdir()
        self._notes = Path(tempfile.mkdtemp(prefix="s3n"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.url_of()

    def url_of(self, *, bucket: str = "", key: str = "", secret: str = "", prefix: str = "pre/fix") -> str:
        who = f"{key or self.key}:{secret or self.secret}"
        return f"s3://{who}@{bucket or self.bucket}/{prefix}?endpoint={self.endpoint}"

    def start(self) -> Self:
        # Beside the objects: not every file system keeps what the server notes of them.
        options = ["--port", f"127.0.0.1:{self.port}", "--quiet", "posix", "--sidecar", str(self._notes)]
        argv = [str(binary()), *options, str(self.folder)]
        env = {**os.environ, "ROOT_ACCESS_KEY": self.key, "ROOT_SECRET_KEY": self.secret}
        with (self._notes / "server.log").open("ab") as log:
            self._process = subprocess.Popen(argv, env=env, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            assert self._process.poll() is None, "the S3 server ended at its start"
            assert time.monotonic() < deadline, "the S3 server does not answer"
            time.sleep(0.05)
        listeners = {one.laddr.port for one in psutil.Process(self._process.pid).net_connections("tcp")}
        assert self.port in listeners, "somebody else's server answers"
        return self

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self.endpoint, timeout=1).close()  # noqa: S310 (our own server)
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """End it as kill -9 does."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)

    def remove(self) -> None:
        self.kill()
        for folder in (self.folder, self._notes):
            shutil.rmtree(folder, ignore_errors=True)
