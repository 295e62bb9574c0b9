"""What `up` and `sluice token` make of the catalog: a user who can sign in, tokens that hold, none in production."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shared.catalog.client import Catalog
from shared.cli.main import app
from shared.local import demo
from shared.security.sealing import Sealer
from shared.security.signing_keys import SigningKeys
from shared.security.tokens import open_verifier
from tests.integration.accounts import SECRET, Auth, running


@pytest.fixture
def here(catalog_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in {
        "SLUICE_CATALOG_URL": catalog_url,
        "SLUICE_DATA": str(tmp_path),
        "SLUICE_URL": "http://localhost:8080",
        "SLUICE_MODE": "development",
        "JWT_SECRET_KEY": SECRET,
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.fixture
async def auth(catalog_url: str, login_cache_url: str) -> AsyncIterator[Auth]:
    async with running(catalog_url, login_cache_url) as auth:
        yield auth


async def test_the_demo_user_owns_the_demo_and_keeps_its_password(here: Path, auth: Auth) -> None:
    await demo.main()
    made = json.loads((here / "demo.json").read_text())
    await demo.main()
    assert json.loads((here / "demo.json").read_text()) == made
    assert stat.S_IMODE((here / "demo.json").stat().st_mode) == 0o600
    tokens = await auth.login(made["email"], made["password"])
    me = await auth.json("GET", "/me", token=tokens["access_token"])
    assert [(one["id"], one["role"]) for one in me["projects"]] == [(made["project_id"], "owner")]


async def test_a_data_folder_of_before_there_were_users_gets_one(here: Path, auth: Auth) -> None:
    await demo.main()
    path = here / "demo.json"
    made = json.loads(path.read_text())
    older = {name: value for name, value in made.items() if name not in {"email", "password"}}
    path.write_text(json.dumps(older))
    await demo.main()
    anew = json.loads(path.read_text())
    assert {**older, "email": anew["email"], "password": anew["password"]} == anew
    await auth.login(anew["email"], anew["password"])


def test_a_token_for_developers_is_good_and_not_made_in_production(
    here: Path, catalog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(demo.main())
    made = CliRunner().invoke(app, ["token", "dev"])
    assert made.exit_code == 0, made.output
    token = made.stdout.strip().splitlines()[-1]

    async def checked() -> float:
        catalog = Catalog(catalog_url)
        claims = await open_verifier(catalog).verify(token)
        await catalog.close()
        return (claims.expires_at - claims.issued_at).total_seconds()

    assert asyncio.run(checked()) == 900
    assert CliRunner().invoke(app, ["token", "dev", "--email", "nobody@example.org"]).exit_code == 1
    monkeypatch.setenv("SLUICE_MODE", "production")
    assert CliRunner().invoke(app, ["token", "dev"]).exit_code == 1


def test_rotate_makes_a_key_that_signs_a_little_later(here: Path, catalog_url: str) -> None:
    done = CliRunner().invoke(app, ["token", "rotate"])
    assert done.exit_code == 0, done.output

    async def kids() -> set[str]:
        catalog = Catalog(catalog_url)
        keys = SigningKeys(catalog, Sealer(SECRET))
        await keys.current()
        await catalog.close()
        return {key.kid for key in keys._keys}

    assert any(kid in done.stdout for kid in asyncio.run(kids()))
