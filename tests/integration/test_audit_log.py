"""The audit log: append-only, chained, signed; and what somebody with the database's own rights did to it is found."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from shared.catalog.client import Catalog, CatalogRefusedError
from shared.catalog.projects import create_organisation, create_project
from shared.clock import FixedClock
from shared.config import MASK
from shared.http import Request
from shared.security.access import Caller
from shared.security.access_log import QUIET_SECONDS, AccessLog
from shared.security.audit import Agent, masked, record
from shared.security.audit_chain import Checkpoint, Signer, Verdict, checkpoint, organisations, verify
from shared.security.policy import Action

ORGANISATION = uuid.UUID(int=7)
SYSTEM = Agent("test")
SECRET = "41c8a2f0d97b4e6385a1c07d2f9b6e14"


@pytest.fixture
async def catalog(catalog_url: str) -> AsyncIterator[Catalog]:
    catalog = Catalog(catalog_url)
    yield catalog
    await catalog.close()


@pytest.fixture
def organisation() -> uuid.UUID:
    return uuid.uuid4()


def superuser(url: str, *statements: str) -> None:
    """What the log's own triggers would refuse."""
    with psycopg.connect(url.replace("//sluice@", "//postgres@")) as connection:
        for table in ("audit_log", "audit_checkpoints"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        for statement in statements:
            connection.execute(statement.encode())
        for table in ("audit_log", "audit_checkpoints"):
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER".encode())


async def filled(catalog: Catalog, organisation: uuid.UUID, rows: int = 6) -> None:
    for number in range(rows):
        await record(
            catalog,
            organisation_id=organisation,
            actor=SYSTEM,
            action="thing.changed",
            target=f"thing:{number}",
            before={"n": number, "text": "ёж ' \" \\ "},
            after=None if number % 2 else {"n": number + 1},
            project_id=None if number % 3 else uuid.uuid4(),
        )


async def kinds(catalog: Catalog, organisation: uuid.UUID, signer: Signer, *kept: Checkpoint) -> list[tuple[str, int]]:
    found = await verify(catalog, organisation, signer, kept)
    return [(fault.kind, fault.seq) for fault in found.faults]


async def test_rows_are_numbered_and_chained_and_what_was_recorded_is_sound(
    catalog: Catalog, organisation: uuid.UUID
) -> None:
    await filled(catalog, organisation)
    found = await verify(catalog, organisation, Signer(SECRET))
    assert (found.rows, found.faults) == (6, [])


async def test_rows_recorded_at_once_form_one_chain(catalog: Catalog, organisation: uuid.UUID) -> None:
    await asyncio.gather(*(filled(catalog, organisation, 10) for _ in range(6)))
    found = await verify(catalog, organisation, Signer(SECRET))
    assert (found.rows, found.faults) == (60, [])


async def test_what_is_undone_leaves_no_row_and_no_gap(catalog: Catalog, organisation: uuid.UUID) -> None:
    async def undone() -> None:
        async with catalog.transaction() as transaction:
            await record(transaction, organisation_id=organisation, actor=SYSTEM, action="a.b", target="t")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await undone()
    await filled(catalog, organisation, 2)
    found = await verify(catalog, organisation, Signer(SECRET))
    assert (found.rows, found.faults) == (2, [])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET target = 'x'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "DELETE FROM audit_checkpoints",
    ],
)
async def test_the_product_itself_cannot_change_the_log(
    catalog: Catalog, catalog_url: str, organisation: uuid.UUID, statement: str
) -> None:
    await filled(catalog, organisation, 1)
    with psycopg.connect(catalog_url) as connection, pytest.raises(psycopg.errors.IntegrityError, match="append-only"):
        connection.execute(statement.encode())


OWN = "organisation_id = '{}'"
TAMPERED = {
    "an edited row": (["UPDATE audit_log SET target = 'thing:99' WHERE seq = 3 AND " + OWN], [("edited", 3)]),
    "an edited before": (["UPDATE audit_log SET before = '{{}}' WHERE seq = 2 AND " + OWN], [("edited", 2)]),
    "an edited time": (
        ["UPDATE audit_log SET at = at - interval '1 microsecond' WHERE seq = 5 AND " + OWN],
        [("edited", 5)],
    ),
    "a removed row": (["DELETE FROM audit_log WHERE seq = 3 AND " + OWN], [("missing", 3)]),
    "a removed beginning": (["DELETE FROM audit_log WHERE seq < 3 AND " + OWN], [("missing", 1)]),
    "a removed end": (["DELETE FROM audit_log WHERE seq > 4 AND " + OWN], [("truncated", 4)]),
    "everything removed": (["DELETE FROM audit_log WHERE " + OWN], [("truncated", 0)]),
    "an end removed with its head": (
        ["DELETE FROM audit_log WHERE seq > 4 AND " + OWN, "UPDATE audit_heads SET seq = 4 WHERE " + OWN],
        [("truncated", 4)],
    ),
    "everything removed with its head": (
        ["DELETE FROM audit_log WHERE " + OWN, "DELETE FROM audit_heads WHERE " + OWN],
        [("truncated", 0)],
    ),
}


@pytest.mark.parametrize("how", TAMPERED)
async def test_what_was_tampered_with_is_found_where_it_is(
    catalog: Catalog, catalog_url: str, organisation: uuid.UUID, how: str
) -> None:
    await filled(catalog, organisation)
    signer = Signer(SECRET)
    assert isinstance(await checkpoint(catalog, organisation, signer), Checkpoint)
    statements, expected = TAMPERED[how]
    superuser(catalog_url, *(statement.format(organisation) for statement in statements))
    assert await kinds(catalog, organisation, signer) == expected


async def test_rows_that_changed_places_are_found(catalog: Catalog, catalog_url: str, organisation: uuid.UUID) -> None:
    await filled(catalog, organisation)
    own = OWN.format(organisation)
    superuser(
        catalog_url,
        f"UPDATE audit_log SET seq = 100 WHERE seq = 2 AND {own}",
        f"UPDATE audit_log SET seq = 2 WHERE seq = 5 AND {own}",
        f"UPDATE audit_log SET seq = 5 WHERE seq = 100 AND {own}",
    )
    found = await kinds(catalog, organisation, Signer(SECRET))
    assert [kind for kind in found if kind[0] == "reordered"] == [("reordered", 2), ("reordered", 5)]


REWRITE = """
    DO $$ DECLARE r record; last bytea := ''; BEGIN
        UPDATE audit_log SET target = 'thing:innocent' WHERE seq = 3 AND {own};
        FOR r IN SELECT * FROM audit_log WHERE {own} ORDER BY seq LOOP
            UPDATE audit_log SET previous = last, hash = sha256(last || audit_field(r.organisation_id::text)
                || audit_field(r.seq::text) || audit_field((extract(epoch FROM r.at) * 1000000)::bigint::text)
                || audit_field(r.actor_kind) || audit_field(r.actor_id) || audit_field(r.actor_name)
                || audit_field(r.action) || audit_field(r.target) || audit_field(r.project_id::text)
                || audit_field(r.before) || audit_field(r.after) || audit_field(r.request_id)
                || audit_field(r.address)) WHERE seq = r.seq AND {own} RETURNING hash INTO last;
        END LOOP;
        UPDATE audit_heads SET hash = last WHERE {own};
    END $$
"""


async def test_a_chain_computed_anew_does_not_fit_its_checkpoint(
    catalog: Catalog, catalog_url: str, organisation: uuid.UUID
) -> None:
    await filled(catalog, organisation)
    signer = Signer(SECRET)
    kept = await checkpoint(catalog, organisation, signer)
    assert isinstance(kept, Checkpoint)
    own = OWN.format(organisation)
    superuser(catalog_url, REWRITE.format(own=own))
    assert await kinds(catalog, organisation, signer) == [("edited", 6)]
    # Without the checkpoint in the database the one in the operator's log still tells.
    superuser(catalog_url, f"DELETE FROM audit_checkpoints WHERE {own}")
    assert await kinds(catalog, organisation, signer) == []
    assert await kinds(catalog, organisation, signer, kept) == [("edited", 6)]


async def test_a_checkpoint_that_was_forged_or_changed_is_found(
    catalog: Catalog, catalog_url: str, organisation: uuid.UUID
) -> None:
    await filled(catalog, organisation, 2)
    await checkpoint(catalog, organisation, Signer("another secret"))
    signer = Signer(SECRET)
    assert await kinds(catalog, organisation, signer) == [("unknown_key", 2)]
    assert await kinds(catalog, organisation, Signer(SECRET, ["another secret"])) == []
    superuser(catalog_url, f"UPDATE audit_checkpoints SET at = now() WHERE {OWN.format(organisation)}")
    assert await kinds(catalog, organisation, Signer("another secret")) == [("bad_signature", 2)]


async def test_nothing_unsound_is_signed(catalog: Catalog, catalog_url: str, organisation: uuid.UUID) -> None:
    signer, clock = Signer(SECRET), FixedClock(1_700_000_000_000_000)
    assert await checkpoint(catalog, organisation, signer, clock) is None
    await filled(catalog, organisation, 3)
    first = await checkpoint(catalog, organisation, signer, clock)
    assert isinstance(first, Checkpoint)
    assert first.seq == 3
    assert await checkpoint(catalog, organisation, signer, clock) is None
    await filled(catalog, organisation, 3)
    superuser(catalog_url, f"UPDATE audit_log SET target = 'x' WHERE seq = 5 AND {OWN.format(organisation)}")
    refused = await checkpoint(catalog, organisation, signer, clock)
    assert isinstance(refused, Verdict)
    assert [fault.seq for fault in refused.faults] == [5]
    assert organisation in await organisations(catalog)


async def test_secrets_are_masked_before_they_are_kept(
    catalog: Catalog, catalog_url: str, organisation: uuid.UUID
) -> None:
    key = "sls_" + "k" * 43
    after = {
        "password": "hunter2",
        "nested": [{"totp_secret": "ABC", "note": f"use {key}"}],
        "name": "kept",
        "key": key,
    }
    await record(
        catalog, organisation_id=organisation, actor=SYSTEM, action="user.changed", target="user:1", after=after
    )
    with psycopg.connect(catalog_url) as connection:
        [[text]] = connection.execute("SELECT after FROM audit_log WHERE organisation_id = %s", (organisation,))
    assert json.loads(text)["name"] == "kept"
    assert not any(secret in text for secret in ("hunter2", "ABC", "k" * 20))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"api_key": "x"}, {"api_key": MASK}),
        ({"password": ""}, {"password": ""}),
        ({"a": [1, None, True, 1.5]}, {"a": [1, None, True, 1.5]}),
        ("https://u:p@host/", f"https://u:{MASK}@host/"),
    ],
)
def test_masking_keeps_everything_else(value: Any, expected: Any) -> None:
    assert masked(value) == expected


async def test_a_value_that_is_too_large_is_kept_as_its_digest(
    catalog: Catalog, catalog_url: str, organisation: uuid.UUID
) -> None:
    large = {"text": "x" * 100_000}
    await record(catalog, organisation_id=organisation, actor=SYSTEM, action="a.b", target="t", after=large)
    with psycopg.connect(catalog_url) as connection:
        [[text]] = connection.execute("SELECT after FROM audit_log WHERE organisation_id = %s", (organisation,))
    assert json.loads(text)["bytes"] > 100_000
    assert len(text) < 200


async def test_an_action_that_is_no_noun_and_verb_is_refused(catalog: Catalog, organisation: uuid.UUID) -> None:
    with pytest.raises(CatalogRefusedError):
        await record(catalog, organisation_id=organisation, actor=SYSTEM, action="Changed", target="t")


def request(function: str, method: str = "GET", path: str = "/") -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
    made = Request({**scope, "client": ("192.0.2.9", 1)}, receive)
    made.function = function
    return made


async def test_who_looks_at_whole_events_is_on_record_and_once_for_a_while(catalog: Catalog, catalog_url: str) -> None:
    organisation = (await create_organisation(catalog, "A"))["id"]
    project = (await create_project(catalog, organisation, "P"))["id"]
    clock = FixedClock(0)
    log = AccessLog(catalog, clock)
    user = Caller(kind="user", id=uuid.uuid4(), project_id=project, email="u@example.org")
    key = Caller(kind="key", id=uuid.uuid4(), project_id=project)
    for _ in range(3):
        await log.note(request("query_events"), user, Action.EVENTS_READ)
    await log.note(request("query_count"), user, Action.EVENTS_READ)
    await log.note(request("query_events"), key, Action.EVENTS_READ)
    await log.note(request("export"), key, Action.EXPORTS_READ)
    clock.advance(QUIET_SECONDS)
    await log.note(request("query_events"), user, Action.EVENTS_READ)
    erasure = request("gdpr_delete", "DELETE", "/api/v1/users/somebody@example.org/data")
    await log.note(erasure, user, Action.PERSONS_ERASE)
    await log.note(request("alert_evaluate", "POST", "/api/v1/alerts"), user, Action.ALERTS_WRITE)
    await log.note(request("workspace", "POST", "/api/v1/dashboards"), user, Action.DASHBOARDS_WRITE)
    with psycopg.connect(catalog_url) as connection:
        rows = connection.execute(
            "SELECT actor_kind, action, target, address FROM audit_log WHERE organisation_id = %s ORDER BY seq",
            (organisation,),
        ).fetchall()
    assert [row[:3] for row in rows] == [
        ("user", "events.looked_at", "query_events"),
        ("key", "events.looked_at", "export"),
        ("user", "events.looked_at", "query_events"),
        ("user", "persons.erase", "DELETE gdpr_delete"),
        ("user", "alerts.write", "POST alert_evaluate:/api/v1/alerts"),
    ]
    assert {row[3] for row in rows} == {"192.0.2.9"}
    assert (await verify(catalog, organisation, Signer(SECRET))).faults == []
