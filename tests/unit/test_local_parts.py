"""The environment that all parts of the embedded runtime get."""

from pathlib import Path

import pytest

from shared.local.parts import Prepared, RuntimeSettings

ELSEWHERE = {"catalog_url": "postgresql://x/y", "bus_url": "redis://x", "cache_url": "redis://x"}


@pytest.mark.parametrize(
    ("public_url", "expected"),
    [("", "http://localhost:9090"), ("https://stats.example", "https://stats.example")],
    ids=["the runtime's own address", "the address somebody gave"],
)
def test_links_begin_with_the_address_people_reach_the_instance_by(
    tmp_path: Path, public_url: str, expected: str
) -> None:
    settings = RuntimeSettings(data=tmp_path, port=9090, public_url=public_url, **ELSEWHERE)
    assert Prepared(settings).env["SLUICE_PUBLIC_URL"] == expected
