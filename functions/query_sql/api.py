"""What query_sql offers over HTTP, for the OpenAPI document."""

from functions.query_sql.asked import SqlAnswer, SqlQuery, SqlTables
from functions.query_sql.main import TABLES
from shared.openapi import Operation

PATH = "/api/v1/query/sql"

OPERATIONS = [
    Operation("POST", PATH, "One SELECT in SQL over the project's own rows", answer=SqlAnswer, body=SqlQuery),
    Operation("GET", TABLES, "The tables and columns that statements may name", answer=SqlTables),
]
