"""The files of runs: drawn by a process of their own, kept in the object storage below one prefix a run."""

import asyncio
import sys
import tempfile
import uuid
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import structlog

from functions.report_run.results import FORMATS, Format, ReportResult
from shared.ids import uuid7
from shared.objects import ObjectMissingError, Objects, ObjectsRefusedError
from shared.refusals import UnavailableError

log = structlog.get_logger()

CONTENT_TYPES: dict[Format, str] = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
PNG = "image/png"
_ROOT = Path(__file__).parents[2]
_DRAW_SECONDS = 60.0
_MOST_ERROR = 2_000


class _Wanted(msgspec.Struct):
    result: ReportResult
    formats: list[Format]
    charts: bool


class Drawer:
    """Makes files, one report at a time: each in a process that ends with it, without our environment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._one = asyncio.Semaphore(1)

    async def draw(self, result: ReportResult, formats: list[Format], *, charts: bool = False) -> dict[str, bytes]:
        """The files by name; raises UnavailableError where they could not be made in time, or at all."""
        async with self._one:
            with tempfile.TemporaryDirectory(dir=self._folder) as folder:
                await self._run(msgspec.json.encode(_Wanted(result, formats, charts)), folder)
                return await asyncio.to_thread(_read, Path(folder))

    async def _run(self, wanted: bytes, folder: str) -> None:
        # The font list that matplotlib makes at its first start is kept beside.
        environment = {"MPLCONFIGDIR": str(self._folder), "PATH": "", "LANG": "C.UTF-8"}
        argv = (sys.executable, "-m", "functions.report_run.draw", folder)
        process = await asyncio.create_subprocess_exec(
            *argv, cwd=_ROOT, env=environment, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            _, said = await asyncio.wait_for(process.communicate(wanted), _DRAW_SECONDS)
        except TimeoutError as error:
            raise UnavailableError("the report's files were not drawn in time") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            log.error("drawing failed", status=process.returncode, error=said.decode("utf-8", "replace")[-_MOST_ERROR:])
            raise UnavailableError("the report's files could not be drawn; the log says why")


def _read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Files:
    """Files in the storage; every call raises UnavailableError where it is away or does not let us in."""

    def __init__(self, objects: Objects, threads: Executor) -> None:
        self._objects = objects
        self._threads = threads

    def new_prefix(self, project_id: uuid.UUID, report_id: uuid.UUID, run_id: uuid.UUID) -> str:
        """Where an attempt at a run keeps its files: two attempts never write the same."""
        return f"reports/{project_id}/{report_id}/{run_id}/{uuid7()}"

    async def put(self, prefix: str, files: dict[str, bytes]) -> None:
        """Keep files; durable when it returns."""
        for name, content in files.items():
            kind = PNG if name.endswith(".png") else CONTENT_TYPES[_format_of(name)]
            await self._do(partial(self._objects.put, f"{prefix}/{name}", content, content_type=kind))

    async def get(self, prefix: str, name: str) -> bytes | None:
        """A file, None where it is not there."""
        found: bytes | None = await self._do(partial(_get, self._objects, f"{prefix}/{name}"))
        return found

    async def remove(self, prefix: str) -> None:
        """Remove all files of a prefix."""
        await self._do(partial(_remove, self._objects, prefix))

    async def _do(self, work: "partial[Any]") -> Any:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except ObjectsRefusedError as error:
            raise UnavailableError(f"the storage of files does not let us in: {error}") from error


def file_of(wanted: Format) -> str:
    """The name of the file of a format."""
    return f"report.{wanted}"


def _format_of(name: str) -> Format:
    return next(one for one in FORMATS if name.endswith(f".{one}"))


def _get(objects: Objects, key: str) -> bytes | None:
    try:
        return objects.get(key)
    except ObjectMissingError:
        return None


def _remove(objects: Objects, prefix: str) -> None:
    for info in list(objects.list(f"{prefix}/")):
        objects.delete(info.key)
