"""The door: ClickHouse's HTTP interface in front of chDB, as an ASGI application.

clickhouse-connect, SQLAlchemy, Superset, Grafana, DBeaver and curl talk to it as to a server. Three logins: `sluice`,
which our functions use and which may do everything, `operator`, which reads and reaches nothing outside
the warehouse, and a project's, which reads its own rows (door_project). What differs from a server:

- a session (`session_id`) keeps SET and USE statements, not temporary tables, which are refused;
- the engine gives queries ids of its own: `query_id` comes back in the headers but is not in system.processes; the
  statement `KILL QUERY WHERE query_id = '…'` ends the read that was given this id;
- tables in a form's files, INSERT … FROM input(), FROM INFILE and INTO OUTFILE are refused;
- a SELECT in a format without header or footer (Native, TSV, CSV, JSONEachRow …) is sent as it is found unless
  `wait_end_of_query=1`; every other result is complete before its first byte is sent, and bounded
  (`max_result_bytes`, a quarter of SLUICE_WAREHOUSE_MEMORY);
- Native is the plain format whatever `client_protocol_version` says; there is no system.query_log.
"""

import hmac
from collections import OrderedDict
from collections.abc import Sequence

import structlog

from shared.clock import SYSTEM_CLOCK, Clock
from shared.http import ClientGoneError, Receive, Scope, Send
from shared.local.chdb_engine import DATABASE, Engine, EngineError, Stats
from shared.local.chdb_pool import Session
from shared.local.door_answer import ABORTED, REQUIRED_PASSWORD, Answer, status_of
from shared.local.door_exchange import Exchange, Login, Underway
from shared.local.door_project import ProjectLogins
from shared.local.door_request import (
    AUTHENTICATION_FAILED,
    Body,
    Call,
    credentials,
    fields_of,
    form_fields,
    read_call,
)
from shared.local.door_sql import NOT_IMPLEMENTED

log = structlog.get_logger()

_HEALTH = frozenset({"/ping", "/replicas_status"})
_SERVER_FAULT = 500
_SESSIONS = 1_000
_STATEMENTS = 50


class Sessions:
    """The SET and USE statements of sessions, until a session is not used for its timeout."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, tuple[bytes, ...]]] = OrderedDict()

    def statements(self, call: Call) -> tuple[bytes, ...]:
        until, statements = self._kept.pop(call.session_id, (0.0, ()))
        if until < self._clock.monotonic():
            return ()
        self._put(call, statements)
        return statements

    def remember(self, call: Call, statement: bytes) -> None:
        """Add a statement that the engine has accepted."""
        if call.session_id:
            self._put(call, (*self.statements(call), statement)[-_STATEMENTS:])

    def _put(self, call: Call, statements: tuple[bytes, ...]) -> None:
        self._kept[call.session_id] = (self._clock.monotonic() + call.session_seconds, statements)
        self._kept.move_to_end(call.session_id)
        while len(self._kept) > _SESSIONS:
            self._kept.popitem(last=False)


class Door:
    """The ASGI application. Set `closing` to refuse new statements while those under way end."""

    def __init__(
        self,
        engine: Engine,
        logins: Sequence[Login],
        clock: Clock = SYSTEM_CLOCK,
        projects: ProjectLogins | None = None,
    ) -> None:
        self._projects = projects
        self._logins = {login.name: login for login in logins}
        self._sessions = Sessions(clock)
        self._underway = Underway()
        self._server = {"version": engine.version, "timezone": engine.timezone}
        formats = engine.rows("SELECT name, content_type FROM system.formats WHERE is_output")
        self._content_types = {name.lower(): content_type for name, content_type in formats}
        self.closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer = Answer(send, scope["method"] == "HEAD", self._server)
        try:
            await self._serve(scope, receive, answer)
        except EngineError as error:
            if status_of(error) >= _SERVER_FAULT:
                log.info("statement_failed", code=error.code, name=error.name)
            await answer.fail(error)
        except ClientGoneError:
            log.info("client_gone")

    async def _serve(self, scope: Scope, receive: Receive, answer: Answer) -> None:
        method, path, query_string = scope["method"], scope["path"], scope["query_string"]
        if method not in {"GET", "HEAD", "POST"}:
            raise EngineError(NOT_IMPLEMENTED, f"The method {method} is not used by this interface")
        if self.closing:
            raise EngineError(ABORTED, "The warehouse is stopping", "ABORTED")
        if path in _HEALTH or (path == "/" and method != "POST" and not query_string):
            await answer.whole(b"Ok.\n", Stats())
        elif path == "/":
            await self._statement(scope, receive, answer)
        else:
            await answer.whole(
                f"There is no handle {path}\n\nUse / or /ping for health checks.\n".encode(), Stats(), 404
            )

    async def _statement(self, scope: Scope, receive: Receive, answer: Answer) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        fields = fields_of(scope["query_string"])
        login = await self._login(credentials(fields, headers))
        get = scope["method"] != "POST"
        encoding = headers.get(b"content-encoding", b"").decode("latin-1").lower()
        body = Body(receive, encoding, empty=get)
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        if content_type.lower().startswith("multipart/form-data"):
            fields += form_fields(content_type, await body.whole())
        call = answer.call = read_call(fields, headers)
        if call.native_decompression:
            raise EngineError(NOT_IMPLEMENTED, "decompress=1 is not supported: use Content-Encoding", "NOT_IMPLEMENTED")
        exchange = Exchange(
            login=login,
            session=self._session(login, call),
            call=call,
            answer=answer,
            content_types=self._content_types,
            get=get,
            remember=lambda statement: self._sessions.remember(call, statement),
            underway=self._underway,
        )
        await exchange.run(body, receive)

    async def _login(self, given: tuple[str, str] | None) -> Login:
        if given is None:
            raise EngineError(REQUIRED_PASSWORD, "Authentication is required: user and password", "REQUIRED_PASSWORD")
        name, password = given
        if self._projects is not None and (project := await self._projects.login(name, password)) is not None:
            return project
        login = self._logins.get(name)
        expected = login.password if login is not None else b"\0"
        matches = hmac.compare_digest(password.encode("utf-8", "surrogateescape"), expected)
        if login is None or not matches:
            message = f"{name}: Authentication failed: password is incorrect, or there is no user with such name."
            raise EngineError(AUTHENTICATION_FAILED, message, "AUTHENTICATION_FAILED")
        return login

    def _session(self, login: Login, call: Call) -> Session:
        if login.guard is not None:
            return login.guard.session(call)
        remembered = self._sessions.statements(call) if call.session_id else ()
        return Session(call.database or ("" if remembered else DATABASE), call.settings, remembered)
