"""What migrations send to a cluster: every statement of theirs, and statements made to mislead the rewriting."""

import re
from collections.abc import Iterator

import pytest

from shared.warehouse.client import Warehouse
from shared.warehouse.cluster import ClusterError, emitted
from shared.warehouse.migrate import steps

ON = "ON CLUSTER 'main'"
TREE = "ReplicatedMergeTree"


def frozen() -> Iterator[str]:
    for step in steps():
        yield from (*step.up, *step.down)


def test_without_a_cluster_every_migration_is_sent_as_it_was_written() -> None:
    assert [part for statement in frozen() for part in emitted(statement, "")] == list(frozen())


def test_every_statement_of_every_migration_has_a_form_for_a_cluster() -> None:
    for statement in frozen():
        *before, sent = emitted(statement, "main")
        assert all(re.fullmatch(rf"SYSTEM SYNC REPLICA {ON} \w+", each) for each in before)
        assert (ON in sent) != statement.startswith(("INSERT", "DELETE")), sent
        assert not re.search(r"(?<!Replicated)(?<!Replacing)(?<!Summing)\bMergeTree", sent), sent
        undone = re.sub(rf" {ON}| SYNC\Z", "", sent).replace("ReplicatedMergeTree", "MergeTree")
        assert re.sub(r"Replicated(\w+MergeTree)", r"\1", undone) == statement


def test_every_table_of_the_migrations_is_a_replicated_one() -> None:
    made = [statement for statement in frozen() if statement.startswith("CREATE TABLE")]
    assert len(made) > 10
    assert all(emitted(statement, "main")[0].count("ENGINE = Replicated") == 1 for statement in made)


@pytest.mark.parametrize(
    ("statement", "sent"),
    [
        (
            "CREATE TABLE IF NOT EXISTS a (engine String DEFAULT 'ENGINE = Log')\nENGINE = MergeTree ORDER BY b",
            [f"CREATE TABLE IF NOT EXISTS a {ON} (engine String DEFAULT 'ENGINE = Log')\nENGINE = {TREE} ORDER BY b"],
        ),
        (
            "CREATE TABLE a (b UInt8 -- it's (\n) ENGINE SummingMergeTree((b, c)) ORDER BY b",
            [f"CREATE TABLE a {ON} (b UInt8 -- it's (\n) ENGINE ReplicatedSummingMergeTree((b, c)) ORDER BY b"],
        ),
        (
            "CREATE MATERIALIZED VIEW v ENGINE = MergeTree ORDER BY b AS WITH 1 AS b SELECT b",
            [f"CREATE MATERIALIZED VIEW v {ON} ENGINE = ReplicatedMergeTree ORDER BY b AS WITH 1 AS b SELECT b"],
        ),
        (
            "CREATE MATERIALIZED VIEW v TO a AS SELECT 1 AS engine",
            ["CREATE MATERIALIZED VIEW v ON CLUSTER 'main' TO a AS SELECT 1 AS engine"],
        ),
        ("ALTER TABLE a\n    ADD COLUMN b UInt8", ["ALTER TABLE a ON CLUSTER 'main'\n    ADD COLUMN b UInt8"]),
        ("ALTER TABLE `a b` DROP COLUMN c", ["ALTER TABLE `a b` ON CLUSTER 'main' DROP COLUMN c"]),
        ("DROP TABLE IF EXISTS a", ["DROP TABLE IF EXISTS a ON CLUSTER 'main' SYNC"]),
        ("DROP VIEW a", ["DROP VIEW a ON CLUSTER 'main' SYNC"]),
        ("TRUNCATE TABLE a", ["TRUNCATE TABLE a ON CLUSTER 'main'"]),
        ("RENAME TABLE a TO b", ["RENAME TABLE a TO b ON CLUSTER 'main'"]),
        ("EXCHANGE TABLES a AND b", ["EXCHANGE TABLES a AND b ON CLUSTER 'main'"]),
        ("INSERT INTO a VALUES ('FROM b')", ["INSERT INTO a VALUES ('FROM b')"]),
        (
            "INSERT INTO a WITH c AS (SELECT * FROM b) SELECT * FROM c, numbers(3) JOIN b ON 1",
            [
                f"SYSTEM SYNC REPLICA {ON} b",
                "INSERT INTO a WITH c AS (SELECT * FROM b) SELECT * FROM c, numbers(3) JOIN b ON 1",
            ],
        ),
    ],
)
def test_a_statement_is_carried_out_on_every_replica(statement: str, sent: list[str]) -> None:
    assert emitted(statement, "main") == sent


@pytest.mark.parametrize(
    "statement",
    [
        "SYSTEM FLUSH LOGS",
        "SET a = 1",
        "GRANT SELECT ON a TO b",
        "CREATE TABLE a (b UInt8) ENGINE = Memory",
        "CREATE TABLE a (b UInt8) ENGINE = ReplicatedMergeTree ORDER BY b",
        "CREATE TABLE a (b UInt8) ENGINE = Log -- MergeTree",
    ],
)
def test_what_a_cluster_would_not_do_on_every_replica_is_refused(statement: str) -> None:
    with pytest.raises(ClusterError):
        emitted(statement, "main")


@pytest.mark.parametrize("name", ["a'b", "a b", "a;b", "ä\n"])
def test_a_name_that_is_none_never_gets_into_a_statement(name: str) -> None:
    with pytest.raises(ClusterError):
        emitted("DROP TABLE a", name)


def test_the_servers_macro_may_stand_for_the_cluster() -> None:
    assert emitted("DROP TABLE a", "{cluster}") == ["DROP TABLE a ON CLUSTER '{cluster}' SYNC"]


@pytest.mark.parametrize(
    ("url", "cluster"),
    [("http://u:p@host/db", ""), ("http://u:p@host/db?cluster=main", "main"), ("http://u:p@host/db?cluster=", "")],
)
async def test_the_url_says_whether_there_is_a_cluster(url: str, cluster: str) -> None:
    assert Warehouse(url).cluster == cluster
