"""What migrations would send to a cluster, read by the engine's own parser; and what a server of its own is sent."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest

from shared.warehouse.client import QUORUM_SETTINGS, Answer, Warehouse
from shared.warehouse.cluster import emitted
from shared.warehouse.migrate import migrate, steps
from tests.integration.door_process import PASSWORD, WarehouseProcess, warehouse_process

STATEMENTS = [statement for step in steps() for statement in (*step.up, *step.down)]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseProcess]:
    with warehouse_process(tmp_path_factory.mktemp("cluster")) as process:
        yield process


def url_of(process: WarehouseProcess, database: str) -> str:
    return process.url.replace("//", f"//sluice:{quote(PASSWORD, safe='')}@") + f"/{database}"


def test_the_engine_reads_every_statement_as_one_for_the_cluster(process: WarehouseProcess) -> None:
    async def work() -> None:
        warehouse = Warehouse(url_of(process, "default"))
        sent = [part for statement in STATEMENTS for part in emitted(statement, "main")]
        sent += ["SYSTEM SYNC REPLICA events LIGHTWEIGHT", "KILL QUERY ON CLUSTER 'main' WHERE query_id = 'a' ASYNC"]
        for statement in sent:
            read = (await warehouse.query("SELECT formatQuerySingleLine({sql:String})", {"sql": statement})).value
            assert ("ON CLUSTER main" in read) == ("ON CLUSTER 'main'" in statement), read
            if statement.startswith("CREATE TABLE"):
                assert re.search(r" ENGINE = Replicated\w*MergeTree", read), read
        known = "SELECT name FROM system.settings WHERE name IN {names:Array(String)} ORDER BY name"
        assert [row[0] for row in (await warehouse.query(known, {"names": list(QUORUM_SETTINGS)})).rows] == sorted(
            QUORUM_SETTINGS
        )
        await warehouse.close()

    asyncio.run(work())


class Recording(Warehouse):
    """Notes what it sends."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.sent: list[str] = []

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        self.sent.append(sql)
        if not self.cluster:
            await super().command(sql, parameters)

    async def query(
        self, sql: str, parameters: Mapping[str, Any] | None = None, limits: Mapping[str, Any] | None = None
    ) -> Answer:
        return Answer(("version", "now"), [], 0) if self.cluster else await super().query(sql, parameters, limits)


def test_a_server_of_its_own_gets_what_the_files_say_and_a_cluster_the_same_on_every_replica(
    process: WarehouseProcess,
) -> None:
    async def work() -> tuple[Recording, Recording]:
        process.text("CREATE DATABASE IF NOT EXISTS plain")
        plain, clustered = Recording(url_of(process, "plain")), Recording("http://nowhere.invalid/x?cluster=main")
        for warehouse in (plain, clustered):
            await migrate(warehouse)
            await warehouse.sync("events")
        await plain.close()
        return plain, clustered

    plain, clustered = asyncio.run(work())
    ups = [statement for step in steps() for statement in step.up]
    ours = [sql for sql in plain.sent if "schema_migrations" not in sql]
    assert ours == ups
    assert [sql for sql in clustered.sent if "schema_migrations" not in sql] == [
        *(part for statement in ups for part in emitted(statement, "main")),
        "SYSTEM SYNC REPLICA events LIGHTWEIGHT",
    ]
    assert "ON CLUSTER 'main'" in clustered.sent[0]
    assert "ReplicatedMergeTree" in clustered.sent[0]
