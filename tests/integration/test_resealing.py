"""A new JWT_SECRET_KEY: everything is sealed anew, and the one before is needed no more."""

import base64
import os
import uuid
from collections.abc import AsyncIterator

import psycopg
import pytest

from shared.catalog.client import Catalog
from shared.catalog.projects import create_organisation, create_project
from shared.catalog.webhooks import place
from shared.security.audit import Agent, record
from shared.security.audit_chain import Checkpoint, Signer, checkpoint, verify
from shared.security.certificates import CertificateSigner
from shared.security.resealing import reseal
from shared.security.sealing import Sealer
from shared.security.secrets import SecretBox
from shared.security.signing_keys import SigningKeys

FIRST, SECOND, THIRD = (base64.b64encode(bytes([number]) * 30).decode() for number in (1, 2, 3))


@pytest.fixture
async def catalog(catalog_url: str) -> AsyncIterator[Catalog]:
    catalog = Catalog(catalog_url)
    yield catalog
    await catalog.close()


class Kept:
    """One of each thing that is sealed, written straight into the tables."""

    def __init__(self, url: str, project: uuid.UUID) -> None:
        self.url, self.project = url, project
        self.user, self.webhook, self.share, self.dashboard = (uuid.uuid4() for _ in range(4))

    def run(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def make(self, secret: str) -> None:
        sealer = Sealer(secret)
        box = SecretBox(sealer)
        self.run(
            "INSERT INTO users (id, email, totp_secret) VALUES (%s, %s, %s)",
            self.user,
            f"{self.user}@example.org",
            sealer.seal(b"TOTP", f"totp of {self.user}"),
        )
        at = place(self.project, self.webhook)
        self.run(
            "INSERT INTO webhooks (id, project_id, url, types, secret, previous_secret)"
            " VALUES (%s, %s, 'https://hooks.example', ARRAY['test'], %s, %s)",
            self.webhook,
            self.project,
            box.seal("whsec_now", at),
            "whsec_from_before_there_was_sealing",
        )
        self.run(
            "INSERT INTO dashboards (id, project_id, name, access, widgets, layout)"
            " VALUES (%s, %s, 'D', 'organisation', '[]', '{}')",
            self.dashboard,
            self.project,
        )
        self.run(
            "INSERT INTO shares (id, project_id, dashboard_id, name, token_hash, prefix, sealed_key)"
            " VALUES (%s, %s, %s, 'S', %s, 'shr_', %s)",
            self.share,
            self.project,
            self.dashboard,
            os.urandom(32),
            sealer.seal(b"sls_behind", f"share {self.share}"),
        )

    def opened(self, secret: str) -> list[bytes | str]:
        """What `secret` alone opens."""
        sealer = Sealer(secret)
        [(totp,)] = self.run("SELECT totp_secret FROM users WHERE id = %s", self.user)
        [(now, before)] = self.run("SELECT secret, previous_secret FROM webhooks WHERE id = %s", self.webhook)
        [(share,)] = self.run("SELECT sealed_key FROM shares WHERE id = %s", self.share)
        at, box = place(self.project, self.webhook), SecretBox(sealer)
        assert isinstance(totp, bytes)
        assert isinstance(share, bytes)
        assert isinstance(now, str)
        assert isinstance(before, str)
        assert before.startswith("sealed:")
        return [
            sealer.open(totp, f"totp of {self.user}"),
            box.open(now, at),
            box.open(before, at),
            sealer.open(share, f"share {self.share}"),
        ]


async def noted(catalog: Catalog, organisation: uuid.UUID, signer: Signer) -> None:
    await record(catalog, organisation_id=organisation, actor=Agent("t"), action="thing.changed", target="thing:1")
    assert isinstance(await checkpoint(catalog, organisation, signer), Checkpoint)


async def test_after_resealing_the_secret_before_opens_nothing_and_is_not_needed(
    catalog: Catalog, catalog_url: str
) -> None:
    organisation = await create_organisation(catalog, "Acme")
    project = await create_project(catalog, organisation["id"], "Shop")
    kept = Kept(catalog_url, project["id"])
    kept.make(FIRST)
    token = await SigningKeys(catalog, Sealer(FIRST)).current()
    certificate = await CertificateSigner(catalog, Sealer(FIRST)).sign({})
    await noted(catalog, organisation["id"], Signer(FIRST))

    done = await reseal(catalog, Sealer(SECOND, [FIRST]), Signer(SECOND, [FIRST]))
    ours = {str(one) for one in (kept.user, kept.webhook, kept.share)}  # other tests' secrets are in the catalog too
    assert [one for one in done.closed if ours & set(one.split())] == []
    assert done.endorsed >= 1
    assert kept.opened(SECOND) == [b"TOTP", "whsec_now", "whsec_from_before_there_was_sealing", b"sls_behind"]
    assert (await SigningKeys(catalog, Sealer(SECOND)).current()).kid == token.kid
    assert (await CertificateSigner(catalog, Sealer(SECOND)).sign({}))["key_id"] == certificate["key_id"]
    again = await reseal(catalog, Sealer(SECOND), Signer(SECOND))
    assert (again.anew, again.endorsed) == (0, 0)

    await noted(catalog, organisation["id"], Signer(SECOND))
    await reseal(catalog, Sealer(THIRD, [SECOND]), Signer(THIRD, [SECOND]))
    await noted(catalog, organisation["id"], Signer(THIRD))
    verdict = await verify(catalog, organisation["id"], Signer(THIRD))
    assert (verdict.faults, verdict.checkpoints) == ([], 3)
    [(what,)] = kept.run("SELECT count(*) FROM audit_log WHERE action = 'secrets.resealed'")
    assert what == 2


async def test_what_opens_with_no_known_secret_is_named_and_left_as_it_is(catalog: Catalog, catalog_url: str) -> None:
    organisation = await create_organisation(catalog, "Acme")
    kept = Kept(catalog_url, (await create_project(catalog, organisation["id"], "Shop"))["id"])
    kept.make(FIRST)
    before = kept.run("SELECT totp_secret FROM users WHERE id = %s", kept.user)
    done = await reseal(catalog, Sealer(SECOND), Signer(SECOND))
    assert f"second_factor {kept.user}" in done.closed
    assert f"share {kept.share}" in done.closed
    assert kept.run("SELECT totp_secret FROM users WHERE id = %s", kept.user) == before


async def test_a_key_somebody_put_into_the_table_endorses_nothing(catalog: Catalog, catalog_url: str) -> None:
    organisation = uuid.uuid4()
    stranger = Signer(THIRD)
    await noted(catalog, organisation, stranger)
    [forged] = Signer(SECOND, [THIRD]).endorse()  # sound in itself, but by a key that does not count
    with psycopg.connect(catalog_url) as connection:
        connection.execute(
            "INSERT INTO audit_signers (key_id, public_key, endorsed_by, signature) VALUES (%s, %s, %s, %s)",
            (forged.key_id, forged.public_key, forged.endorsed_by, forged.signature),
        )
        connection.execute(
            "INSERT INTO audit_signers (key_id, public_key, endorsed_by, signature) VALUES (%s, %s, %s, %s)",
            (forged.key_id, forged.public_key, Signer(FIRST).key_id, forged.signature),
        )
    faults = (await verify(catalog, organisation, Signer(FIRST))).faults
    assert [fault.kind for fault in faults] == ["unknown_key"]
