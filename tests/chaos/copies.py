"""A copy that is killed while it is made, and one that is killed while it is restored."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg

from tests.chaos.clients import Told
from tests.chaos.product import ChaosError, Product

_KILLED = -9
_TRIES = 20
_SECONDS = 300


def backup_killed(product: Product, told: Told, points: Sequence[str], _: Callable[[int], None]) -> list[str]:
    """Kill whoever makes a copy at these places; what is wrong with the copy that comes of it."""
    folder = product.folder / f"copies-{uuid.uuid4().hex[:8]}"
    for point in points:
        product.arm(point)
        done = _sluice(_environ(product), "backup", "create", "--to", str(folder))
        if done.returncode != _KILLED:
            raise ChaosError(f"the copy was not killed at {point}: {done.returncode} {done.stderr[-300:]}")
    made = _made(product, folder)
    verified = _sluice(_environ(product), "backup", "verify", "--to", str(folder))
    wrong = [] if verified.returncode == 0 else [f"the copy is damaged: {verified.stdout[-300:]}"]
    [[stored]] = product.instance.warehouse("SELECT toUInt32(count()) FROM events FINAL")
    if made["events"] != stored:
        wrong.append(f"the copy has {made['events']} events, {stored} are stored")
    return wrong


def restore_killed(product: Product, told: Told, points: Sequence[str], _: Callable[[int], None]) -> list[str]:
    """Kill a restore at each place and restore again; what differs from the copy."""
    folder = product.folder / f"copies-{uuid.uuid4().hex[:8]}"
    made, wrong = _made(product, folder), []
    for point in points:
        name = f"chaos_{uuid.uuid4().hex[:12]}"
        environ = _elsewhere(_environ(product), name)
        _place(product, "CREATE", name)
        product.arm(point)
        done = _sluice(environ, "restore", "--from", str(folder))
        if done.returncode != _KILLED:
            raise ChaosError(f"the restore was not killed at {point}: {done.returncode} {done.stderr[-300:]}")
        if point != "restore.after_catalog":  # there it was done already
            again = _sluice(environ, "restore", "--clear", "--from", str(folder))
            if again.returncode != 0:
                raise ChaosError(f"after a kill at {point} nothing can be restored: {again.stderr[-300:]}")
        [[restored]] = product.instance.warehouse(f"SELECT toUInt32(count()) FROM {name}.events FINAL")
        if restored != made["events"]:
            wrong.append(f"after a kill at {point} {restored} of {made['events']} events are restored")
        _place(product, "DROP", name)
    return wrong


def _made(product: Product, folder: Path) -> Mapping[str, Any]:
    """A copy made to its end; the lease of one whose maker was killed is waited for."""
    for _try in range(_TRIES):
        done = _sluice(_environ(product), "backup", "create", "--to", str(folder), "--json")
        if done.returncode == 0:
            found: Mapping[str, Any] = json.loads(done.stdout)
            return found
        time.sleep(0.5)
    raise ChaosError(f"no copy can be made: {done.stderr[-300:]}")


def _environ(product: Product) -> dict[str, str]:
    return {**product.instance.environ, **product.instance.env}


def _elsewhere(environ: Mapping[str, str], name: str) -> dict[str, str]:
    warehouse = urlsplit(environ["SLUICE_WAREHOUSE_URL"])
    return {
        **environ,
        "SLUICE_WAREHOUSE_URL": urlunsplit(warehouse._replace(path=f"/{name}")),
        "SLUICE_CATALOG_URL": f"{environ['SLUICE_CATALOG_URL']}&options=-csearch_path%3D{name}",
    }


def _sluice(environ: Mapping[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "shared.cli.main", *words]
    return subprocess.run(command, env=dict(environ), capture_output=True, text=True, check=False, timeout=_SECONDS)


def _place(product: Product, verb: str, name: str) -> None:
    url = urlsplit(product.instance.env["SLUICE_WAREHOUSE_URL"])
    login = (url.username or "", url.password or "")
    address = f"http://{url.hostname}:{url.port}/"
    reply = httpx.post(address, content=f"{verb} DATABASE {name}", auth=login, timeout=60, trust_env=False)
    if reply.status_code != httpx.codes.OK:
        raise ChaosError(f"{verb} DATABASE {name}: {reply.status_code} {reply.text[:300]}")
    with psycopg.connect(product.instance.env["SLUICE_CATALOG_URL"], autocommit=True) as connection:
        connection.execute(f"{verb} SCHEMA {name}{' CASCADE' if verb == 'DROP' else ''}".encode())
