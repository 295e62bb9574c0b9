"""A machine that cannot build an engine skips its tests; where engines are required, they fail."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines.kafka import kafka_jars
from tests.engines.s3 import binary

BOTH = pytest.mark.parametrize("build", [kafka_jars, binary])


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No tools on the path, nothing built before."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("SLUICE_REQUIRE_ENGINES", raising=False)


@BOTH
def test_an_engine_that_cannot_be_built_skips(build: Callable[[], Path]) -> None:
    with pytest.raises(pytest.skip.Exception):
        build()


@BOTH
def test_an_engine_that_is_required_fails(build: Callable[[], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_REQUIRE_ENGINES", "1")
    with pytest.raises(pytest.fail.Exception):
        build()
