"""The instances of the end-to-end tests: one that stays whole, one that tests may break."""

from collections.abc import Iterator

import pytest

from tests.e2e.running import Running, running


@pytest.fixture(scope="session")
def instance() -> Iterator[Running]:
    """A private instance that no test breaks; it ends with the session, also when tests fail."""
    # Of a million traces one is recorded, and each that a caller wants to be.
    with running(
        SLUICE_ERASURE_SETTLE_SECONDS="6", SLUICE_ERASURE_DISK_SECONDS="0", SLUICE_TRACE_SAMPLE="0.000001"
    ) as started:
        yield started


@pytest.fixture(scope="session")
def fragile() -> Iterator[Running]:
    """Another one, whose parts are killed and paused; every test leaves it working."""
    with running() as started:
        yield started
