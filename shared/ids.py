"""Identifiers: UUIDv7 for what we name ourselves, UUIDv5 for what a client or a file names."""

import os
import random
import time
import uuid
from collections.abc import Callable

IdFactory = Callable[[], uuid.UUID]

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62
_UNIX_EPOCH_IN_UUID7 = 48  # bits of the millisecond timestamp at the top


def uuid7(millis: int | None = None) -> uuid.UUID:
    """A new time-ordered UUID (RFC 9562 §5.7); `millis` since 1970 is the current time by default."""
    stamp = time.time_ns() // 1_000_000 if millis is None else millis
    chance = int.from_bytes(os.urandom(10), "big")
    high = (stamp & ((1 << _UNIX_EPOCH_IN_UUID7) - 1)) << 80
    return uuid.UUID(int=high | _VERSION_7 | (chance >> 68) << 64 | _VARIANT | chance & ((1 << 62) - 1))


def uuid7_text(millis: int, entropy: bytes) -> str:
    """The same as text from ten random bytes: the hot path's form, without a UUID object."""
    digits = entropy.hex()
    stamp = f"{millis:012x}"
    variant = "89ab"[entropy[1] & 3]
    return f"{stamp[:8]}-{stamp[8:]}-7{digits[:3]}-{variant}{digits[4:7]}-{digits[7:19]}"


def new_request_id() -> str:
    """A UUIDv7 as text, for a request nobody named."""
    return uuid7_text(time.time_ns() // 1_000_000, noise(10))


def noise(size: int) -> bytes:
    """Random bytes for ids that must differ but need not be secret: no system call, unlike os.urandom."""
    return random.randbytes(size)  # noqa: S311 (seeded by the system; a forked process is seeded anew)


def uuid7_micros(value: uuid.UUID) -> int | None:
    """The microseconds since 1970 inside a UUIDv7 (millisecond precision); None for any other version."""
    return (value.int >> 80) * 1_000 if value.version == 7 else None  # noqa: PLR2004 (the version's own number)


def named(namespace: uuid.UUID, *parts: object) -> uuid.UUID:
    """UUIDv5 of the parts within a namespace: the same input always gives the same id.

    They are joined by a null character, which no part can hold.
    """
    return uuid.uuid5(namespace, "\0".join(map(str, parts)))
