"""Builds the app of web/ into web/dist, once for each state of its sources: `python -m shared.local.web_build`.

Where no node (>= 20.19) is installed it takes the one that PyPI has. The new app takes the old one's place only when
it is whole. It runs beside the started API with low priority; what it says goes to the log `web`.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from shared.local.pages import FOLDER

ROOT = FOLDER.parents[1]
WEB = ROOT / "web"
STAMP = ".sources"
_NODE = WEB / ".node"
_NODE_LOCK = ROOT / "requirements" / "web.txt"
_OLDEST = (20, 19)
_SOURCES = ("web/src", "web/public", "web/scripts", "sdk/javascript/src")
_FILES = ("web/index.html", "web/package-lock.json", "web/vite.config.ts", "web/vite.sdk.config.ts")
_LOW_PRIORITY = 10


class BuildError(Exception):
    """The app was not built; the message says which step failed."""


def sources(root: Path = ROOT) -> str:
    """A fingerprint of everything the app is made of."""
    digest = hashlib.sha256()
    folders = (path for name in _SOURCES for path in sorted((root / name).rglob("*")) if path.is_file())
    for path in [*folders, *(root / name for name in _FILES)]:
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_built(folder: Path = FOLDER) -> bool:
    """Whether the app that is there is made of the sources that are there."""
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_text() == sources()


def build() -> None:
    """Install the packages of the lock and build; raises BuildError."""
    wanted = sources()
    environment = _with_node()
    fresh = WEB / "dist.new"
    shutil.rmtree(fresh, ignore_errors=True)
    _run(["npm", "ci", "--no-fund", "--no-audit"], environment)
    _run(["npm", "run", "build"], {**environment, "SLUICE_DIST": fresh.name})
    (fresh / STAMP).write_text(wanted)
    old = WEB / "dist.old"
    shutil.rmtree(old, ignore_errors=True)
    if FOLDER.exists():
        FOLDER.rename(old)
    fresh.rename(FOLDER)
    shutil.rmtree(old, ignore_errors=True)


def _with_node() -> dict[str, str]:
    """The environment with a usable node first in PATH."""
    environment = dict(os.environ)
    if _is_recent(shutil.which("node")) and shutil.which("npm"):
        return environment
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    _run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(_NODE)], environment)
    _run([uv, "pip", "sync", "--quiet", "--require-hashes", "-p", str(_NODE), str(_NODE_LOCK)], environment)
    environment["PATH"] = f"{_NODE / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
    return environment


def _is_recent(node: str | None) -> bool:
    if node is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.(\d+)", said)
    return version is not None and tuple(map(int, version.groups())) >= _OLDEST


def _run(command: list[str], environment: dict[str, str]) -> None:
    try:
        subprocess.run(command, cwd=WEB, env=environment, check=True)
    except FileNotFoundError as error:
        raise BuildError(f"{command[0]} is not there") from error
    except subprocess.CalledProcessError as error:
        raise BuildError(f"{' '.join(command[:3])} failed with status {error.returncode}") from error


async def build_beside(log: Path) -> None:
    """Build in a process of its own, unless it is built; cancelled, it ends that process and all it started."""
    if await asyncio.to_thread(is_built):
        return
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "shared.local.web_build", stdout=output, stderr=output, start_new_session=True
        )
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            await process.wait()


def main() -> None:
    """Build unless it is built; the exit status says whether the app is there."""
    os.nice(_LOW_PRIORITY)
    with (WEB / ".build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second one waits and finds it built
        if is_built():
            return
        try:
            build()
        except BuildError as error:
            sys.exit(f"the app was not built: {error}")


if __name__ == "__main__":
    main()
