"""Which function answers an address, by the wiring table."""

from collections.abc import Iterable, Mapping

from shared.paths import is_template, match
from shared.wiring import Function

# Method → the row of the function that answers it.
Methods = Mapping[str, Function]


class Routes:
    """The public addresses of some rows of the table; a path that is written out wins over one with names."""

    def __init__(self, rows: Iterable[Function]) -> None:
        self._exact: dict[str, dict[str, Function]] = {}
        self._templates: dict[str, dict[str, Function]] = {}
        for row in rows:
            for route in row.http:
                routes = self._templates if is_template(route.path) else self._exact
                routes.setdefault(route.path, {}).update(dict.fromkeys(route.methods, row))

    def find(self, path: str) -> Methods | None:
        """The functions of a decoded path by method; None where nobody answers it."""
        return self._exact.get(path) or next(
            (methods for template, methods in self._templates.items() if match(template, path) is not None), None
        )
