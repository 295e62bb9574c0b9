"""`bench backup`: seconds and bytes of a copy and of its restore, per million events."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.load.instance import Instance, InstanceError
from tests.load.measurement import Measurement, Options, load_average
from tests.load.rows import Rows

_MILLION = 1_000_000
_SECONDS = 3_600


class _Copy(msgspec.Struct):
    events: int
    bytes: int
    written_bytes: int


def bench_backup(instance: Instance, options: Options) -> Iterator[Measurement]:
    """A first copy, one right after it, one read to its end, and a restore that compares each row."""
    with Rows(instance) as rows, tempfile.TemporaryDirectory(prefix="copies-") as folder:
        yield Measurement("backup_filled", rows.fill(options.rows), "rows/s", details={"rows": options.rows})
        rows.merge()
        load = load_average()
        took, made = _copy(instance, folder)
        per = took / made.events * _MILLION
        yield Measurement(
            "backup_first", per, "s/million events", load_average=load, details={"seconds": took, "bytes": made.bytes}
        )
        yield Measurement("backup_size", made.bytes / made.events, "bytes/event", load_average=load)
        again, second = _copy(instance, folder)
        details = {"written_bytes": second.written_bytes}
        yield Measurement("backup_unchanged", again, "s", load_average=load, details=details)
        verified = _run(instance, "verify", folder)[0]
        yield Measurement("backup_verify", verified / made.events * _MILLION, "s/million events", load_average=load)
        drilled = _run(instance, "drill", folder)[0]
        yield Measurement("backup_restore", drilled / made.events * _MILLION, "s/million events", load_average=load)


def _copy(instance: Instance, folder: str) -> tuple[float, _Copy]:
    took, told = _run(instance, "create", folder, "--json")
    return took, msgspec.json.decode(told.encode(), type=_Copy)


def _run(instance: Instance, command: str, folder: str, *more: str) -> tuple[float, str]:
    """One `sluice backup` command: how long it took and what it said."""
    argv = [sys.executable, "-m", "shared.cli.main", "backup", command, "--to", folder, *more]
    environ = {**os.environ, **instance.environment}
    started = time.perf_counter()
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(argv, env=environ, cwd=root, capture_output=True, text=True, check=False, timeout=_SECONDS)
    if done.returncode != 0:
        raise InstanceError(f"sluice backup {command} ends with {done.returncode}: {done.stderr[-500:]}")
    return time.perf_counter() - started, done.stdout
