"""The timezone of the project a request is about: that of a question which names none.

Whoever lets a request in notes it here, and it holds for that request alone; without a project it is UTC.
"""

from contextvars import ContextVar

project_timezone: ContextVar[str] = ContextVar("project_timezone", default="UTC")
