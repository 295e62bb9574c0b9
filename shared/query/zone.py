"""The timezone of the project a request is about: that of a question which names none.

Whoever lets a request in notes it here, and it holds for that request alone; without a project it is UTC.
"""

from contextvars import ContextVar

project_timezone: ContextVar[str] = ContextVar("project_timezone", default="UTC")


def timezone_or_own(timezone: str | None) -> str:
    """The zone that was named, else that of the project the request is about: what is to hold beyond the request."""
    return project_timezone.get() if timezone is None else timezone
