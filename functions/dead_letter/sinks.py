"""Whether the function a letter was meant for can work now: its own /readyz says so."""

import asyncio
import urllib.error
import urllib.request
from http.client import HTTPException

from shared.clock import Clock
from shared.dead_letters import service_of

_ASK_SECONDS = 2.0
_KNOWN_SECONDS = 1.0
_SERVER_ERROR = 500


class Sinks:
    """Asks each sink at most once a second, however many letters wait for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked: dict[str, tuple[float, asyncio.Task[bool]]] = {}

    async def ready(self, dest: str) -> bool:
        """Whether `<dest>/readyz` answers 2xx; anything else, also an address that is none, is no.

        Knative's broker and a JobSink are no functions of ours and have no such address: any answer below 500 will do.
        """
        now = self._clock.monotonic()
        at, answer = self._asked.get(dest, (0.0, None))
        if answer is None or (answer.done() and now - at >= _KNOWN_SECONDS):
            self._asked = {name: known for name, known in self._asked.items() if now - known[0] < _KNOWN_SECONDS}
            answer = asyncio.create_task(asyncio.to_thread(_answers, dest, ours=bool(service_of(dest))))
            self._asked[dest] = (now, answer)
        return await asyncio.shield(answer)


def _answers(dest: str, *, ours: bool) -> bool:
    if not dest.startswith(("http://", "https://")):
        return False
    address = dest.rstrip("/") + "/readyz"
    try:
        with urllib.request.urlopen(address, timeout=_ASK_SECONDS):  # noqa: S310 (the scheme was looked at)
            return True
    except urllib.error.HTTPError as error:
        with error:
            return not ours and error.code < _SERVER_ERROR
    except (urllib.error.URLError, OSError, ValueError, HTTPException):
        return False
