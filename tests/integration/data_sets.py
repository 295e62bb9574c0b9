"""The three real data sets as events in a warehouse, each in a project of its own, and their published answers."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import duckdb

from shared.warehouse.client import Warehouse
from shared.warehouse.migrate import migrate
from tests.integration.door_process import PASSWORD, warehouse_process

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PRESENT = DATA.is_dir()
ABSENT = "the data sets ../shared/data are not on this machine"

# One row an event: its name, user, moment, revenue and properties. Invoices have the time of their first line.
_INVOICES = """
SELECT if(InvoiceNo LIKE 'C%', 'cancel', 'purchase') AS event, CustomerID AS user_id,
    min(InvoiceDate::TIMESTAMP) AS moment, sum(Quantity::INT * UnitPrice::DOUBLE) AS revenue,
    json_object('invoice', InvoiceNo) AS properties
FROM read_csv('{file}', all_varchar = true) WHERE CustomerID <> '' GROUP BY InvoiceNo, CustomerID, event
"""
_PURCHASES = r"""
SELECT 'purchase' AS event, part[1] AS user_id, strptime(part[2], '%Y%m%d') AS moment, part[4]::DOUBLE AS revenue,
    json_object('cds', part[3]::INT) AS properties
FROM (
    SELECT string_split_regex(trim(line), '\s+') AS part
    FROM read_csv('{file}', delim = '\x01', header = true, columns = {'line': 'VARCHAR'})
)
"""
_EDITS = """
SELECT 'edit' AS event, "user" AS user_id, "time"::TIMESTAMP AS moment, NULL AS revenue,
    json_object('namespace', "namespace", 'page', page) AS properties
FROM read_json('{file}', format = 'newline_delimited',
    columns = {'user': 'VARCHAR', 'time': 'VARCHAR', 'namespace': 'VARCHAR', 'page': 'VARCHAR'})
"""
_LINES = """
SELECT to_json({'project_id': $project, 'event': event, 'user_id': user_id, 'event_id': md5(number::VARCHAR)::UUID,
    'timestamp': strftime(moment, '%Y-%m-%d %H:%M:%S.%f'), 'received_at': '2026-03-31 12:00:00.000000',
    'revenue': revenue, 'properties_raw': properties::VARCHAR})::VARCHAR
FROM (SELECT *, row_number() OVER () AS number FROM ({rows}))
"""


class DataSet(NamedTuple):
    """A file, the SQL of its events, and the range they are in."""

    file: str
    rows: str
    range: dict[str, str]


SETS = {
    "online_retail": DataSet("online_retail.csv.gz", _INVOICES, {"start": "2010-12-01", "end": "2011-12-31"}),
    "cdnow": DataSet("CDNOW_master.txt", _PURCHASES, {"start": "1997-01-01", "end": "1998-06-30"}),
    "wikiticker": DataSet(
        "wikiticker-2015-09-12-restored.json.gz", _EDITS, {"start": "2015-09-12", "end": "2015-09-12"}
    ),
}


@contextmanager
def warehouse_of_sets(folder: Path) -> Iterator[Warehouse]:
    """A warehouse of its own process with the invoices, purchases and edits of the sets."""
    with warehouse_process(folder) as process:
        warehouse = Warehouse(process.url.replace("//", f"//sluice:{quote(PASSWORD, safe='')}@") + "/default")
        asyncio.run(migrate(warehouse))
        for name in SETS:
            asyncio.run(warehouse.insert_json_lines("events", _lines(name)))
        yield warehouse
        asyncio.run(warehouse.close())


def project_of(name: str) -> uuid.UUID:
    """The project a data set is in."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, name)


def published(name: str) -> dict[str, Any]:
    """What is known of a data set; nothing where it is absent."""
    found: dict[str, Any] = json.loads((DATA / name / "answers.json").read_text()) if PRESENT else {}
    return found


def _lines(name: str) -> bytes:
    one = SETS[name]
    with duckdb.connect() as connection:
        rows = one.rows.replace("{file}", str(DATA / name / one.file))
        found = connection.execute(_LINES.replace("{rows}", rows), {"project": str(project_of(name))}).fetchall()
    return "\n".join(text for (text,) in found).encode()
