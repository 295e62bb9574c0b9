"""`bench first-data`: how long after the shell of the app its first number stands, in Chromium, over a whole year.

The half million lines of online_retail are imported by the CLI; each time somebody signs in anew and opens the Overview
over the whole of their year.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from shared.cli.client import read_demo
from tests.load.generator import ROOT
from tests.load.instance import Instance, InstanceError
from tests.load.measurement import Measurement, Options, load_average, percentile

FILE = ROOT.parent / "shared" / "data" / "online_retail" / "online_retail.csv.gz"
SELECT = """
    CASE WHEN InvoiceNo LIKE 'C%' THEN 'cancel' ELSE 'purchase' END AS event,
    Quantity::INT * UnitPrice::DOUBLE AS revenue,
    CustomerID AS user_id, InvoiceDate AS timestamp, * EXCLUDE (CustomerID, InvoiceDate)
"""
BAR_MS = 1_000.0
_YEAR = "from=2010-12-01&to=2011-12-09"
_OPENED = 3
_SECONDS = 900


class _Login(msgspec.Struct):
    email: str
    password: str


def bench_first_data(instance: Instance, options: Options) -> Iterator[Measurement]:
    """p95 of the milliseconds from the shell to the first number; raises InstanceError without the data or the app."""
    if not FILE.is_file():
        raise InstanceError("the invoices are not on this machine: ../shared/data/online_retail")
    if not (ROOT / "web/dist/index.html").is_file():
        raise InstanceError("the app is not built: ./task web:build")
    data = instance.data
    demo = read_demo(data) if data is not None else None
    if data is None or demo is None:
        raise InstanceError("the login of the instance is not known: give --data")
    _run(
        [
            sys.executable,
            "-m",
            "shared.cli.main",
            "import",
            str(FILE),
            "--select",
            SELECT,
            "--url",
            instance.write.url,
            "--key",
            instance.write.key,
        ]
    )
    login = msgspec.json.decode((data / "demo.json").read_bytes(), type=_Login)
    path = f"/app/p/{demo.project_id}/overview?{_YEAR}"
    load = load_average()
    command = ["node", "scripts/first-data.mjs", demo.url, login.email, login.password, path]
    found = json.loads(_run([*command, str(options.rounds * _OPENED)], cwd=ROOT / "web"))
    waits = [one["number"] - one["shell"] for one in found]
    yield Measurement(
        "first_data",
        percentile(waits, 0.95),
        "ms p95 after the shell",
        bar=BAR_MS,
        at_most=True,
        load_average=load,
        details={"p50_ms": percentile(waits, 0.5), "shell_ms": percentile([one["shell"] for one in found], 0.5)},
    )


def _run(command: list[str], cwd: Path | None = None) -> Any:
    ended = subprocess.run(
        command, cwd=cwd or ROOT, env=os.environ, timeout=_SECONDS, check=False, capture_output=True, text=True
    )
    if ended.returncode:
        raise InstanceError(f"{' '.join(command[:3])} failed:\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}")
    return ended.stdout
