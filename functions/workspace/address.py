"""An address of the workspace: a row of the one table in logic.py."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, NamedTuple

from functions.workspace.call import Call
from shared.http import Reply

DEFINITION = "/api/v1/definitions/{definition_id}"
DASHBOARD = "/api/v1/dashboards/{dashboard_id}"


class Address(NamedTuple):
    """A method of a path: who answers it, and what it takes and gives."""

    method: str
    path: str
    handler: Callable[[Call], Awaitable[Reply]]
    summary: str
    answer: Any = None
    status: int = 200
    body: Any = None
    query: Any = None
    alias_of: str = ""

    @property
    def repeatable(self) -> bool:
        """Whether an Idempotency-Key makes a repeat give what the first request made."""
        return self.status == HTTPStatus.CREATED

    @property
    def versioned(self) -> bool:
        """Whether it changes what has versions, one of which If-Match names."""
        return self.path.startswith((DEFINITION, DASHBOARD)) and (
            self.method in {"PUT", "DELETE"} or self.path.endswith("/restore")
        )
