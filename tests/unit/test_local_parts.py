"""The environment that all parts of the embedded runtime get."""

from pathlib import Path

import pytest

from shared.local.control import ControlError, start
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


@pytest.mark.parametrize("workers", [1, 3])
def test_each_process_of_the_edge_is_a_part_with_its_number(tmp_path: Path, workers: int) -> None:
    settings = RuntimeSettings(data=tmp_path, port=9090, edge_workers=workers, **ELSEWHERE)
    parts = {part.name: part for part in Prepared(settings).functions()}
    edges = [name for name in parts if name.startswith("edge")]
    assert edges == ["edge", "edge-2", "edge-3"][:workers]
    assert [parts[name].argv[-2:] for name in edges] == [["edge", str(number)] for number in range(1, workers + 1)]
    assert {*parts} - {*edges} == {"work", "sources"}


@pytest.mark.parametrize("workers", [0, 17])
def test_a_number_of_processes_that_is_none_is_refused_before_anything_starts(tmp_path: Path, workers: int) -> None:
    settings = RuntimeSettings(data=tmp_path / "d", edge_workers=workers, **ELSEWHERE)
    with pytest.raises(ControlError, match="SLUICE_EDGE_WORKERS"):
        next(start(settings, {}))
    assert not (tmp_path / "d").exists()
