"""What a reader's login may say: each statement passes the guard of its login before the engine runs it."""

from typing import Protocol

from shared.local.chdb_engine import DATABASE, Connection, Engine, EngineError
from shared.local.chdb_pool import Session
from shared.local.door_request import Call
from shared.local.door_sql import READONLY
from shared.warehouse.project_canonical import TOKEN

ACCESS_DENIED = 497


class Guard(Protocol):
    """A login that only reads: its session, the statement run for the one it gave, and how errors are told."""

    def session(self, call: Call) -> Session: ...

    def check(self, connection: Connection, sql: bytes, call: Call) -> bytes:
        """The statement to run; EngineError is its refusal."""
        ...

    def told(self, error: EngineError) -> EngineError:
        """An error as this login may see it."""
        ...


# The table functions that neither read a file nor call another machine.
_HARMLESS = frozenset(
    {"numbers", "numbers_mt", "zeros", "zeros_mt", "primes", "generateseries", "generate_series", "null"}
    | {"generaterandom", "values", "sqlstandardvalues", "format", "view", "viewifpermitted", "merge"}
    | {"mergetreeindex", "mergetreeprojection", "dictionary"}
)


class OperatorGuard:
    """What `readonly=1` leaves open in this engine: the file() function, DESCRIBE of a URL, KILL, OUTFILE.

    The engine itself prints the statement in its canonical spelling, so quoting, comments and escapes hide
    nothing; then functions are refused by name, table functions unless they are known to be harmless.
    """

    def __init__(self, engine: Engine) -> None:
        table_functions = {row[0].lower() for row in engine.rows("SELECT name FROM system.table_functions")}
        functions = {
            row[0].lower()
            for row in engine.rows(
                "SELECT name FROM system.functions WHERE lower(name) IN ('file', 'hascolumnintable')"
                " OR match(name, '^(ai|AI)[A-Z]')"
            )
        }
        self._called = frozenset(table_functions - _HARMLESS)
        self._named = frozenset(functions)

    def session(self, call: Call) -> Session:
        """The operator's settings are fixed; the database is the client's choice."""
        return Session(call.database or DATABASE)

    def told(self, error: EngineError) -> EngineError:
        return error

    def check(self, connection: Connection, sql: bytes, _: Call) -> bytes:
        """Refuse with 164 or 497 what the operator may not run; a syntax error is the engine's own."""
        text = canonical(connection, sql)
        if connection.classify(sql).kind != "READ_ONLY":
            raise EngineError(READONLY, "Cannot execute query in readonly mode", "READONLY")
        previous = ""
        for token in TOKEN.finditer(text):
            if token["open"] and previous in self._called:
                raise _denied(previous)
            previous = (token["quoted"] or token["word"] or "").lower()
            if previous in self._named:
                raise _denied(previous)
        return sql


def canonical(connection: Connection, sql: bytes) -> str:
    """The statement in the engine's own spelling, in one line; EngineError for what it cannot read."""
    literal = sql.replace(b"\\", b"\\\\").replace(b"'", b"\\'")
    try:
        return connection.query(b"SELECT formatQuerySingleLine('" + literal + b"')", "RawBLOB").text()
    except EngineError as error:
        error.message = error.message.partition(": In scope SELECT formatQuerySingleLine")[0]
        raise


def _denied(function: str) -> EngineError:
    message = f"Not enough privileges: this login may not use the name {function}, it reaches outside the warehouse"
    return EngineError(ACCESS_DENIED, message, "ACCESS_DENIED")
