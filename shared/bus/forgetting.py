"""What a bus keeps of records that are stored and acknowledged, and making it forget them sooner."""

import asyncio

from shared.config import BusSettings

_SECONDS = 5.0
_TRIES = 20
_PAUSE_SECONDS = 0.5
_UNDER_WAY = "already in progress"


async def forget_stored(settings: BusSettings) -> bool:
    """Have Valkey write its log anew, without the records that were acknowledged; whether it does.

    Kafka drops its own by their age, and a server that is somebody else's may not take the command. Raises
    BusUnavailableError where nobody answers.
    """
    if settings.bus_url.partition("://")[0] not in {"redis", "rediss", "unix"}:
        return False
    from shared.bus.valkey_link import Link, RefusedError

    link = Link(settings.bus_url)
    try:
        for _ in range(_TRIES):
            try:
                await link.command(b"BGREWRITEAOF", seconds=_SECONDS)
            except RefusedError as error:
                if _UNDER_WAY not in str(error):
                    return False
                await asyncio.sleep(_PAUSE_SECONDS)  # it may have begun before the last records were acknowledged
            else:
                return True
        return False
    finally:
        await link.close()


def kept_hours(settings: BusSettings) -> int | None:
    """For how long stored records stay on the bus; None where they go once they are acknowledged."""
    return settings.kafka_retention if settings.bus_url.startswith("kafka") else None
