"""People as CSV."""

import csv
import io

from functions.query_people.logic import Table
from shared.spreadsheets import cell, safe


def csv_of(table: Table) -> bytes:
    """A header and a row a person, by RFC 4180; texts that look like formulas get a `'` before them."""
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow(
        [
            "person",
            "first_seen",
            "last_seen",
            "events",
            "revenue",
            *(safe(f"profile.{name}") for name in table.columns),
        ]
    )
    for one in table.people:
        cells = [cell(one.profile[name]) for name in table.columns]
        writer.writerow([safe(one.person), one.first_seen, one.last_seen, one.events, one.revenue, *cells])
    return output.getvalue().encode()
