"""query_sql: one SELECT in SQL over the project's own events, sessions and people."""

from functions.query_sql.asked import SqlQuery
from functions.query_sql.ports import Ports, opens
from shared.function import function
from shared.http import Reply, Request, json_reply
from shared.query.request import MAX_QUERY_BYTES, from_json
from shared.security.policy import Action

TABLES = "/api/v1/query/sql/tables"


@function("query_sql", opens)
async def main(request: Request, ports: Ports) -> Reply:
    caller = await ports.access.authorize(request, Action.SQL_READ)
    # the parser is a third of a second and 50 MB, for who writes SQL
    from functions.query_sql.answers import written
    from functions.query_sql.logic import ask, tables

    if request.path == TABLES:
        return json_reply(await tables(ports.warehouse))
    query = from_json(await request.body(MAX_QUERY_BYTES), SqlQuery)
    return written(query, await request.while_connected(ask(query, caller.project_id, ports)))
