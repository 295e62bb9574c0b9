"""Engines that are started once for the whole run, by the first test that asks; and which tests need such ones."""

from collections.abc import Iterator

import hypothesis
import pytest

from tests.engines.kafka import KafkaCluster, running

# Fixtures, and values of a fixture's parameter, behind which a program stands that is built once per machine.
BUILT = frozenset({"kafka", "server"})

# How long a case takes says how busy the machine is.
hypothesis.settings.register_profile("sluice", deadline=None)
hypothesis.settings.load_profile("sluice")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a real broker or a real S3 server is an engine test: `./task test:engines` runs it."""
    for item in items:
        asked = {*getattr(item, "fixturenames", ())}
        if "request" in asked and hasattr(item, "callspec"):  # a fixture that asks for the one its parameter names
            asked |= {value for value in item.callspec.params.values() if isinstance(value, str)}
        if BUILT & asked:
            item.add_marker("engines")


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaCluster]:
    """One real broker for tests that do not stop it."""
    with running() as cluster:
        yield cluster
