"""A circuit breaker: a function that does not answer is not asked again by everybody who waits.

Only silence counts (no connection, no answer in time): a function that answers 503 is there and says why itself.
"""

from shared.clock import Clock
from shared.refusals import UnavailableError

FAILURES = 5
OPEN_SECONDS = 5.0


class CircuitOpenError(UnavailableError):
    """The function was silent several times in a row and is left alone for some seconds."""

    def __init__(self, service: str, seconds: float) -> None:
        self.retry_after_seconds = max(1, round(seconds))
        super().__init__(
            f"{service} did not answer {FAILURES} requests in a row: it is asked again in {self.retry_after_seconds} s"
        )


class Breaker:
    """Of one function. Closed; open after FAILURES silences in a row; then one request at a time tries it."""

    def __init__(self, service: str, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self._failures = 0
        self._retry_at = 0.0

    def check(self) -> None:
        """Let a request through, or raise CircuitOpenError."""
        if self._failures < FAILURES:
            return
        now = self._clock.monotonic()
        if now < self._retry_at:
            raise CircuitOpenError(self._service, self._retry_at - now)
        self._retry_at = now + OPEN_SECONDS  # the others wait for what becomes of this one

    def answered(self) -> None:
        """The function is there."""
        self._failures = 0

    def silent(self) -> None:
        """The function did not answer."""
        self._failures += 1
        if self._failures >= FAILURES:
            self._retry_at = self._clock.monotonic() + OPEN_SECONDS

    @property
    def is_open(self) -> bool:
        return self._failures >= FAILURES
