"""The warehouse's schema on a cluster: frozen statements, rewritten where they are emitted and nowhere else.

A cluster is one shard with replicas (decision 0031): tables become replicated ones and every statement about a table
is carried out on each replica. Paths in Keeper are the server's default (`default_replica_path`), which names a
table's UUID, so that a table can be dropped and made again.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

# Texts, quoted names and comments are passed over as a whole; a word, or one other character, is looked at.
_TOKEN = re.compile(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\"|--[^\n]*|/\*.*?\*/|\w+|\S", re.DOTALL)
_NAME = r"(?:\w+|`[^`]+`)(?:\.(?:\w+|`[^`]+`))?"
# What names one object first: the clause comes after its name.
_OF_ONE = re.compile(
    rf"""(?:
        CREATE\ (?:TABLE|VIEW|MATERIALIZED\ VIEW|DICTIONARY|FUNCTION)(?:\ IF\ NOT\ EXISTS)?
        | ALTER\ TABLE | OPTIMIZE\ TABLE
        | (?:DROP|TRUNCATE)\ (?:TABLE|VIEW|DICTIONARY|FUNCTION)(?:\ IF\ EXISTS)?
    )\ {_NAME}(?=[\s(]|\Z)""".replace(r"\ ", r"\s+"),
    re.IGNORECASE | re.VERBOSE,
)
# What names several: the clause comes last.
_OF_SEVERAL = re.compile(r"(?:RENAME\s+TABLE|EXCHANGE\s+TABLES)\s", re.IGNORECASE)
# What one replica does and the others copy.
_ROWS = re.compile(r"(?:INSERT\s+INTO|DELETE\s+FROM)\s", re.IGNORECASE)
_DROP = re.compile(r"DROP\s+(?:TABLE|VIEW|DICTIONARY)\s", re.IGNORECASE)
_CREATE = re.compile(r"CREATE\s", re.IGNORECASE)
_MERGE_TREE = re.compile(
    r"(?:Replacing|Summing|Aggregating|Collapsing|VersionedCollapsing|Graphite|Coalescing)?MergeTree"
)
_CLUSTER = re.compile(r"[\w.{}-]+")


class ClusterError(ValueError):
    """A statement that cannot be carried out on a cluster, or a cluster's name that is none."""


def emitted(statement: str, cluster: str) -> list[str]:
    """What is sent for a migration's statement: itself without a cluster, else what does the same on every replica.

    Raises ClusterError for a kind of statement, or of table, of which that is not known.
    """
    if not cluster:
        return [statement]
    on = f"ON CLUSTER {_quoted(cluster)}"
    if found := _OF_ONE.match(statement):
        rest = statement[found.end() :]
        rest = _replicated(rest) if _CREATE.match(statement) else rest
        sync = " SYNC" if _DROP.match(statement) else ""
        return [f"{found[0]} {on}{rest}{sync}"]
    if _OF_SEVERAL.match(statement):
        return [f"{statement} {on}"]
    if _ROWS.match(statement):
        # Another replica may answer than the one that was written to before.
        return [*(f"SYSTEM SYNC REPLICA {on} {table}" for table in _tables_read(statement)), statement]
    raise ClusterError(f"it is not known how to do this on a cluster: {statement[:80]!r}")


def _quoted(cluster: str) -> str:
    if not _CLUSTER.fullmatch(cluster):
        raise ClusterError(f"{cluster!r} is no name of a cluster")
    return f"'{cluster}'"


class _Word(NamedTuple):
    """A word outside of texts, comments and brackets."""

    text: str
    start: int
    end: int


def _words(sql: str) -> Iterator[_Word]:
    depth = 0
    for token in _TOKEN.finditer(sql):
        text = token[0]
        depth += (text in "([{") - (text in ")]}")
        if depth == 0:
            yield _Word(text, token.start(), token.end())


def _replicated(rest: str) -> str:
    """What follows the name of a table that is created, with its engine replicated."""
    words = _words(rest)
    for word in words:
        if word.text.upper() in {"SELECT", "WITH"}:
            break
        if word.text.upper() != "ENGINE":
            continue
        engine = next(each for each in words if each.text != "=")
        if not _MERGE_TREE.fullmatch(engine.text):
            raise ClusterError(f"it is not known how to replicate a table of the engine {engine.text}")
        return f"{rest[: engine.start]}Replicated{rest[engine.start :]}"
    return rest


def _tables_read(statement: str) -> list[str]:
    """The tables that are read to make rows, each once; no named subqueries, no table functions."""
    words = [token[0] for token in _TOKEN.finditer(statement)]
    triples = list(zip(words, words[1:], [*words[2:], ""], strict=False))
    named = {name for name, word, bracket in triples if word.upper() == "AS" and bracket == "("}
    read = [name for word, name, after in triples if word.upper() in {"FROM", "JOIN"} and after != "("]
    return list(dict.fromkeys(name for name in read if name not in named and re.fullmatch(r"\w+", name)))
