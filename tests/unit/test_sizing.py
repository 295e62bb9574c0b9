"""How large a cluster has to be: arithmetic from labelled figures, the same in the docs and for Terraform."""

import itertools
import math

import pytest

from shared.deploy import sizing
from shared.wiring import load_wiring

WIRING = load_wiring()


def test_a_rate_needs_its_share_of_cores_and_never_fewer_than_two_replicas() -> None:
    size = sizing.size_for(100_000, WIRING)
    busy, each = sizing.FIGURES["busy"].value, sizing.FIGURES["ingest_us"].value
    assert size.ingest_replicas == math.ceil(100_000 * each / 1e6 / busy)
    assert size.ingest_replicas_single > size.ingest_replicas
    assert sizing.size_for(1, WIRING).ingest_replicas == sizing.size_for(1, WIRING).batch_write_replicas == 2


def test_nothing_shrinks_when_the_rate_grows() -> None:
    sizes = [sizing.size_for(rate, WIRING) for rate in (1_000, *sizing.RATES.values())]
    for smaller, larger in itertools.pairwise(sizes):
        for field in set(sizing._ROWS) - {"broker_cores"}:  # more brokers, each of them no smaller than they were
            assert getattr(larger, field) >= getattr(smaller, field), field


def test_every_replica_has_a_partition_and_partitions_divide_evenly() -> None:
    for rate in sizing.RATES.values():
        size = sizing.size_for(rate, WIRING)
        assert size.partitions >= 2 * size.batch_write_replicas
        assert size.partitions % 12 == 0


def test_every_figure_says_how_it_is_known() -> None:
    assert {figure.label for figure in sizing.FIGURES.values()} == {"measured", "computed", "estimated"}
    assert [name for name, figure in sizing.FIGURES.items() if not figure.source] == []


def test_a_function_is_awake_always_or_after_its_ticks_or_never() -> None:
    assert sizing.awake(WIRING.find("ingest")) == 1
    assert sizing.awake(WIRING.find("alert-evaluate")) == 1, "a tick a minute, and it stays longer than that"
    assert sizing.awake(WIRING.find("report-run")) == pytest.approx(96 * 150 / 86_400)
    assert sizing.awake(WIRING.find("query-count")) == 0


def test_the_page_keeps_its_words_and_gets_its_tables() -> None:
    text = f"before\n{sizing.BEGIN}\nold\n{sizing.END}\nafter\n"
    made = sizing.scaling_page(text, WIRING)
    assert made.startswith(f"before\n{sizing.BEGIN}\n\n| figure")
    assert made.endswith(f"\n{sizing.END}\nafter\n")
    assert "old" not in made
    assert sizing.scaling_page(made, WIRING) == made
    with pytest.raises(ValueError, match="no place"):
        sizing.scaling_page("words only", WIRING)
