"""Engines that are started once for the whole run, by the first test that asks."""

from collections.abc import Iterator

import pytest

from tests.engines.kafka import KafkaCluster, running


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaCluster]:
    """One real broker for tests that do not stop it."""
    with running() as cluster:
        yield cluster
