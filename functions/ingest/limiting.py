"""How much one key, address or project may send. Never waits: see shared.security.limits."""

from shared.security.keys import Key
from shared.security.limits import Meter, Rate, Taken, quota_exceeded, refused
from shared.security.project_limits import ProjectLimits


class IngestLimits:
    """Checks requests before they are read, and events before they are taken."""

    def __init__(self, projects: ProjectLimits, meter: Meter, address: Rate | None) -> None:
        self._projects = projects
        self._meter = meter
        self._address = address

    @property
    def by_address(self) -> bool:
        """Whether `request` wants to know the address."""
        return self._address is not None

    def request(self, key: Key, address: str) -> dict[str, str]:
        """Let one request of a key through; what its answer says of the limit. Raises Rejected (RATE_LIMITED).

        An address is only limited where it uses a public key, which anybody may have read out of a page.
        """
        rate = self._projects.of(key.project_id).ingest
        headers = {}
        if rate is not None:
            taken = _let_through(self._meter.take(f"ingest:{key.id}", rate), "ingest_key", "this key")
            headers = taken.headers()
        if self._address is not None and key.kind == "public":
            taken = self._meter.take(f"ingest-from:{address}", self._address)
            _let_through(taken, "ingest_address", "this address")
        return headers

    def events(self, key: Key, count: int) -> None:
        """Let the events of a request through, all or none. Raises Rejected (QUOTA_EXCEEDED, with the counts)."""
        quota = self._projects.of(key.project_id).events_per_day
        if quota is not None:
            taken = self._meter.take(f"quota:{key.project_id}", quota, count)
            if not taken.allowed:
                raise quota_exceeded(taken, count)

    async def close(self) -> None:
        """Bring the last counts over."""
        await self._meter.close()
        await self._projects.close()


def _let_through(taken: Taken, limit: str, whom: str) -> Taken:
    if not taken.allowed:
        raise refused(taken, limit, whom)
    return taken
