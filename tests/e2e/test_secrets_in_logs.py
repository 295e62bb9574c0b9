"""After a run with every kind of credential, sound and not, no log of the instance holds one of them."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.running import COUNT, EVENTS, Running

pytestmark = pytest.mark.slow

_PASSWORD = "Correct-horse-battery-7-staple"
_SHOWN = 8


def test_no_log_of_the_whole_run_holds_a_secret(instance: Running) -> None:
    secrets = {_PASSWORD, "wrong-password-93417"}
    demo = json.loads((instance.data / "demo.json").read_text())
    secrets |= {demo["write_key"][_SHOWN:], demo["secret_key"][_SHOWN:], demo.get("password", _PASSWORD)}
    secrets |= set(_texts(json.loads((instance.data / "secrets.json").read_text())))
    secrets |= {
        found.password for value in instance.state()["env"].values() if (found := urlsplit(value)).password is not None
    }
    account = {"email": "logs@example.com", "password": _PASSWORD}
    registered = instance.http.post("/api/v1/auth/register", json={**account, "name": "L", "company": "Logs"})
    assert registered.status_code in {200, 201}, registered.text
    signed_in = instance.http.post("/api/v1/auth/login", json=account)
    assert signed_in.status_code == 200, signed_in.text
    secrets |= {signed_in.json()["access_token"][_SHOWN:], signed_in.json()["refresh_token"][_SHOWN:]}
    for token in (signed_in.json()["access_token"], "sls_" + "q" * 43, "eyJa.b.c"):
        instance.http.get(COUNT, headers={"authorization": f"Bearer {token}"})
        instance.http.post(f"{EVENTS}?key={token}", json={"event": "x", "password": "wrong-password-93417"})
    instance.http.post("/api/v1/auth/login", json={**account, "password": "wrong-password-93417"})
    instance.http.post("/api/v1/auth/refresh", json={"refresh_token": signed_in.json()["refresh_token"]})
    instance.http.post("/api/v1/auth/login", content=f'{{"password": "{_PASSWORD}", broken', headers=_JSON)
    found = [
        (log.name, secret[:4] + "…")
        for log in sorted((instance.data / "logs").iterdir())
        for secret in secrets
        if secret in log.read_text(encoding="utf-8", errors="replace")
    ]
    assert found == []
    assert len(secrets) >= 8


_JSON = {"content-type": "application/json"}


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    return [value] if isinstance(value, str) else []


def test_what_holds_the_secrets_is_the_owners_alone(instance: Running) -> None:
    for name in ("demo.json", "secrets.json"):
        path: Path = instance.data / name
        assert path.stat().st_mode & 0o077 == 0, name
