"""The answer to a statement as JSON or CSV."""

import csv
import io

from functions.query_sql.asked import SqlAnswer, SqlQuery
from shared.http import Reply, json_reply
from shared.spreadsheets import cell, safe


def written(query: SqlQuery, answer: SqlAnswer) -> Reply:
    """In the format that was asked for; a CSV says by a header that it is not all."""
    if query.format == "json" or query.explain:
        return json_reply(answer)
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow([safe(column.name) for column in answer.columns])
    writer.writerows([cell(value) for value in row] for row in answer.rows)
    headers = {
        "content-disposition": 'attachment; filename="query.csv"',
        "sluice-truncated": "true" if answer.truncated else "false",
    }
    return Reply(200, output.getvalue().encode(), "text/csv; charset=utf-8", headers)
