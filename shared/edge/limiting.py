"""How often one key, user or address may ask, counted at the edge: no function behind it waits or imports for it.

The edge checks nobody's credentials. It counts a credential it has not seen under its digest, and learns from the
first answer whose it is and of which project (CALLER_HEADER, PROJECT_HEADER): then all tokens of a user are one.
"""

import hashlib
import uuid
from collections.abc import Mapping
from typing import NamedTuple

from shared.addresses import TrustedProxies
from shared.http import CALLER_HEADER, PROJECT_HEADER, Reply, Request
from shared.security.limits import Meter, Rate, Taken, refused
from shared.security.project_limits import ProjectLimits

_MOST_CALLERS = 20_000
_USER = "user:"


class _Caller(NamedTuple):
    name: str
    project_id: uuid.UUID | None


class EdgeLimits:
    """Checks requests on their way to a function."""

    def __init__(self, projects: ProjectLimits, meter: Meter, proxies: TrustedProxies, address: Rate | None) -> None:
        self._projects = projects
        self._meter = meter
        self._proxies = proxies
        self._address = address
        self._callers: dict[bytes, _Caller] = {}

    def check(self, request: Request) -> Taken | None:
        """Let a request through; what its answer says of its caller's limit. Raises Rejected (RATE_LIMITED)."""
        if self._address is not None:
            address = self._proxies.address(request.headers, request.peer)
            from_address = self._meter.take(f"read-from:{address}", self._address)
            if not from_address.allowed:
                raise refused(from_address, "read_address", "this address")
        credential = _credential(request.headers)
        if not credential:
            return None
        digest = hashlib.blake2b(credential.encode("latin-1", "replace"), digest_size=16).digest()
        caller = self._callers.get(digest) or _Caller(f"credential:{digest.hex()}", None)
        limits = self._projects.of(caller.project_id)
        user = caller.name.startswith(_USER)
        rate = limits.read_user if user else limits.read_key
        if rate is None:
            return None
        taken = self._meter.take(f"read:{caller.name}", rate)
        if not taken.allowed:
            raise refused(taken, "read_user" if user else "read_key", "this user" if user else "this key")
        return taken

    def learn(self, request: Request, reply: Reply) -> None:
        """Take out of an answer what the function says of whose credential it was."""
        name = reply.headers.pop(CALLER_HEADER, "")
        project = reply.headers.get(PROJECT_HEADER, "")
        credential = _credential(request.headers)
        if name and credential:
            digest = hashlib.blake2b(credential.encode("latin-1", "replace"), digest_size=16).digest()
            if digest not in self._callers and len(self._callers) >= _MOST_CALLERS:
                del self._callers[next(iter(self._callers))]
            self._callers[digest] = _Caller(name, uuid.UUID(project) if project else None)

    async def close(self) -> None:
        """Bring the last counts over."""
        await self._meter.close()
        await self._projects.close()


def _credential(headers: Mapping[str, str]) -> str:
    return headers.get("x-api-key", "") or headers.get("authorization", "")
