"""A project's login at the door: an API key with the scope `read`, and one SELECT over the project's own rows.

Four walls: the statement is written anew from a tree of allowed parts (shared.warehouse.project_sql); the engine's
own spelling of it is looked through for names that tree would never hold; the connection's database is empty, so
that a name that slipped through finds nothing; and the engine itself filters the tables of all projects
(`additional_table_filters`). `readonly = 1` keeps the connection so.
"""

import os
import re
from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from shared.catalog.client import Catalog
from shared.local.chdb_engine import UNKNOWN_EXCEPTION, Connection, Engine, EngineError
from shared.local.chdb_pool import TOO_MANY_SIMULTANEOUS_QUERIES, Pool, Session
from shared.local.door_answer import ABORTED, UNAUTHORIZED, StatusError, status_of
from shared.local.door_exchange import Login
from shared.local.door_guard import canonical
from shared.local.door_request import AUTHENTICATION_FAILED, Call
from shared.local.door_sql import SYNTAX_ERROR
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.security.access import Access
from shared.warehouse.client import READ_LIMITS, READ_SETTINGS
from shared.warehouse.project_canonical import EMPTY_DATABASE, forbidden_names, look_through
from shared.warehouse.project_rules import FORMATS, UNKNOWN_FORMAT, ProjectSqlError, without_insides
from shared.warehouse.project_tables import DATABASE, TABLES

PROJECT = "project"
# Statements of all projects' logins together, and how many more may wait.
_CONNECTIONS = 2
_WAITING = 20
_SPILLED_BYTES = 2 * 1024**3
_CATALOG_AWAY = 209

_BAD_REQUEST, _SERVER_FAULT, _UNAVAILABLE = 400, 500, 503
# The engine's own faults (what stays unsaid, UNKNOWN_EXCEPTION; LOGICAL_ERROR) and what tells a client to ask again.
_OWN_FAULTS = frozenset({49, UNKNOWN_EXCEPTION, _CATALOG_AWAY, ABORTED, TOO_MANY_SIMULTANEOUS_QUERIES})
_MEMORY = 241
_OF_ALL = re.compile(r"\((?:total|for user)\)|User memory limit")

# How a result is written, which a client may choose; what a statement may take, it may not.
_WRITING = frozenset(
    {"date_time_output_format", "output_format_json_quote_64bit_integers", "output_format_json_quote_denormals"}
    | {"output_format_json_quote_decimals", "output_format_json_array_of_rows", "output_format_csv_crlf_end_of_line"}
    | {"output_format_decimal_trailing_zeros", "format_csv_delimiter", "join_use_nulls", "extremes"}
    | {"output_format_write_statistics", "output_format_arrow_string_as_string"}
)
_SETTINGS: Mapping[str, object] = MappingProxyType(
    {
        **READ_SETTINGS,
        **READ_LIMITS,
        "max_temporary_data_on_disk_size_for_query": _SPILLED_BYTES,
        # as when the properties were stored, since they are read anew
        "input_format_try_infer_dates": 0,
        "input_format_try_infer_datetimes": 0,
    }
)


class ProjectGuard:
    """What one project's statement passes; see the module for the walls."""

    def __init__(self, project_id: UUID, forbidden: frozenset[str]) -> None:
        self._project_id = project_id
        self._forbidden = forbidden

    def session(self, call: Call) -> Session:
        """An empty database, the filters, and of the client's settings those that write the result."""
        condition = f"project_id = toUUID(\\'{self._project_id}\\')"
        filters = ", ".join(f"'{DATABASE}.{table}': '{condition}'" for table in TABLES)
        settings = tuple(pair for pair in call.settings if pair[0] in _WRITING)
        return Session(EMPTY_DATABASE, settings, (f"SET additional_table_filters = {{{filters}}}".encode(),))

    def check(self, connection: Connection, sql: bytes, call: Call) -> bytes:
        """The statement to run instead; EngineError says what to change."""
        # a third of a second and 50 MB, for who uses such a login
        from shared.warehouse.project_sql import rewrite

        if call.default_format and call.default_format.lower() not in FORMATS:
            raise EngineError(UNKNOWN_FORMAT, f"Unknown format {call.default_format} for this login", "UNKNOWN_FORMAT")
        try:
            rewritten = rewrite(sql.decode(), self._project_id, call.database or DATABASE).encode()
        except ProjectSqlError as error:
            raise EngineError(error.code, error.message, error.name) from None
        except UnicodeDecodeError:
            raise EngineError(SYNTAX_ERROR, "Syntax error: the statement is not UTF-8", "SYNTAX_ERROR") from None
        self._look_through(canonical(connection, rewritten))
        return rewritten

    def told(self, error: EngineError) -> EngineError:
        """The engine's error without its insides, and as the asker's fault unless it is the engine's."""
        message = without_insides(error.message)
        status = status_of(error)
        if error.code == _MEMORY and _OF_ALL.search(message):
            status = _UNAVAILABLE
        elif status >= _SERVER_FAULT and error.code not in _OWN_FAULTS:
            status = _BAD_REQUEST
        return StatusError(status, error.code, message, error.name)

    def _look_through(self, text: str) -> None:
        """Refuse what the engine understands otherwise than the tree was meant."""
        try:
            look_through(text, self._project_id, self._forbidden)
        except ProjectSqlError as error:
            raise EngineError(error.code, error.message, error.name) from None


class ProjectLogins:
    """Whoever names a project (its id, or `project`) and gives a secret key of it with the scope `read`.

    All of them share a pool of their own, so that they never hold a connection our functions wait for.
    """

    def __init__(self, engine: Engine, catalog_url: str, memory: int) -> None:
        engine.rows(f"CREATE DATABASE IF NOT EXISTS {EMPTY_DATABASE}")
        self._catalog = Catalog(catalog_url)
        self._access = Access(self._catalog)
        self._whole = memory // 8
        limits = {
            **_SETTINGS,
            "max_memory_usage": min(int(READ_LIMITS["max_memory_usage"]), memory // 4),
            "max_result_bytes": self._whole,
            "max_threads": max(1, (os.cpu_count() or 1) // 2),
        }
        changed = ", ".join(f"{name} = {value!r}" for name, value in limits.items())
        after = (f"SET {changed}".encode(), b"SET readonly = 1")
        self.pool = Pool(engine, size=_CONNECTIONS, waiting=_WAITING, after=after)
        self._forbidden = forbidden_names(str(row[0]) for row in engine.rows("SELECT name FROM system.functions"))

    async def close(self) -> None:
        """End what is under way with the catalog."""
        await self._access.close()
        await self._catalog.close()

    async def login(self, name: str, password: str) -> Login | None:
        """The login of a project; None where the name is none. EngineError 516 (401 or 403), 209 (503)."""
        wanted = _project(name)
        if wanted is None and name != PROJECT:
            return None
        try:
            key = await self._access.require({"x-api-key": password}, "read")
        except UnavailableError:
            raise EngineError(_CATALOG_AWAY, "The catalog is away: ask again", "SOCKET_TIMEOUT") from None
        except Rejected as rejected:
            raise _refused(name, rejected) from None
        if key.kind != "secret" or wanted not in {None, key.project_id}:
            raise _unknown(name)
        guard = ProjectGuard(key.project_id, self._forbidden)
        return Login(str(key.project_id), b"", self.pool, self._whole, guard)


def _project(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _unknown(name: str) -> EngineError:
    """401 and not 403, so that a browser asks for another password."""
    message = f"{name}: Authentication failed: the password is a secret API key of the project, with the scope read"
    return StatusError(UNAUTHORIZED, AUTHENTICATION_FAILED, message, "AUTHENTICATION_FAILED")


def _refused(name: str, rejected: Rejected) -> EngineError:
    if rejected.refusal in {Refusal.KEY_MISSING, Refusal.KEY_UNKNOWN}:
        return _unknown(name)
    if rejected.refusal is Refusal.OVERLOADED:
        return EngineError(_CATALOG_AWAY, f"{rejected}: ask again", "SOCKET_TIMEOUT")
    return EngineError(AUTHENTICATION_FAILED, f"{name}: Authentication failed: {rejected}", "AUTHENTICATION_FAILED")
