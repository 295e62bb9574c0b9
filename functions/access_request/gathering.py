"""What there is about a person, store by store, as lines of JSON. Everything here blocks."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec

from shared.query.parameters import Parameters
from shared.query.scope import read_sql
from shared.subjects import split
from shared.warehouse.client import Warehouse
from shared.warehouse.deletion import Rows
from shared.warehouse.personal import lines_of

_HERE = Path(__file__).parent
# What is JSON by itself is put in as the object it is.
_JSON = {"properties_raw": "properties", "context_raw": "context"}
STORES = ("events", "identity", "merges", "sessions", "segments")

Take = Callable[[dict[str, Any]], None]


class Gathering:
    """Reads what a project has of the ids of one person."""

    def __init__(self, warehouse: Warehouse, project_id: uuid.UUID, keys: Sequence[str]) -> None:
        self._warehouse = warehouse
        self._project_id = project_id
        self._keys = list(keys)

    def read(self, store: str, take: Take, check: Callable[[], None]) -> None:
        """Hand over each row of a store; `check` is called between rows and may raise."""
        parameters = Parameters()
        bound = {
            "project": parameters.bind("UUID", str(self._project_id)),
            "keys": parameters.bind("Array(String)", self._keys),
            "devices": parameters.bind("Array(String)", split(self._keys)[1]),
        }
        self._rows(read_sql(_HERE, store, **bound), parameters.values, take, check)

    def rejected(self, which: Sequence[Rows], take: Take, check: Callable[[], None]) -> None:
        """The same of refused payloads, found before."""
        for one in which:
            self._rows(read_sql(_HERE, "rejected", where=one.where), one.values, take, check)

    def _rows(self, sql: str, values: Any, take: Take, check: Callable[[], None]) -> None:
        def read(stream: IO[bytes]) -> None:
            for line in lines_of(stream):
                check()
                take(dict(_shown(msgspec.json.decode(line, type=dict[str, Any]))))

        self._warehouse.read(sql, values, "JSONEachRow", read)


def _shown(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if name in _JSON:
            yield _JSON[name], msgspec.Raw(str(value).encode())
        elif value not in ("", None, {}, []):
            yield name, value
