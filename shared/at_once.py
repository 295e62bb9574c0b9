"""Requests that are begun in the callback that read them, without an ASGI cycle or a task of their own.

For one that came whole in one piece, and whose function needs to wait for nothing before it has begun, a task, a scope,
a channel for the body and two messages for the answer are most of what a request costs. Such a function begins at once
and answers through a callback when what it waits for is there. Whatever it will not begin this way (a key not seen
before, anything that is to be refused) takes the ordinary way as though nobody had looked: this one has no refusals.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, runtime_checkable

from shared.http import Reply


class Head(NamedTuple):
    """The head of a request: header names in lower case, the query string as sent, the address of the other end."""

    headers: Mapping[str, str]
    query: bytes
    peer: str
    request_id: str
    traceparent: str


# Called once, within the same event loop: with the answer, or with why there is none.
Settle = Callable[[Reply | Exception], None]
RawHeaders = list[tuple[bytes, bytes]]


@runtime_checkable
class BeginsAtOnce(Protocol):
    """Ports may begin a request at once.

    False: not this way, and nothing of it has happened. True: `settle` is called when it is done.
    """

    def begin(self, head: Head, body: bytes, settle: Settle) -> bool: ...


class Begin(Protocol):
    """The same by a whole function, to which bugs and absent engines are answers, too."""

    def __call__(
        self, headers: RawHeaders, query: bytes, body: bytes, peer: str, answer: Callable[[Reply], None]
    ) -> bool: ...


@runtime_checkable
class AtOnce(Protocol):
    """An ASGI app of which some addresses can be begun at once."""

    def begins(self, method: bytes, path: bytes) -> Begin | None:
        """Who begins requests of this address (as it was sent, without its query), if anybody does."""
        ...
