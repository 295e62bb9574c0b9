"""Settings of the cost guard that could answer nothing are refused, all at once."""

import dataclasses

import pytest

from shared.catalog.client import Catalog
from shared.config import ConfigError
from shared.query.guard import Guard, QuerySettings
from shared.security.limits import Meter, Rate
from shared.warehouse.client import Warehouse

SETTINGS = QuerySettings(warehouse_url="http://localhost", catalog_url="")


def test_settings_with_which_nothing_could_be_asked_are_refused_together() -> None:
    wrong = dataclasses.replace(SETTINGS, query_rows=-1, query_seconds=60, query_at_once=0, query_memory=1)
    with pytest.raises(ConfigError) as refused:
        Guard(Warehouse("http://localhost"), Catalog(""), wrong, Meter())
    assert len(refused.value.faults) == 4
    assert "SLUICE_QUERY_SECONDS" in str(refused.value)


def test_what_is_spent_is_counted_whether_it_fits_or_not_and_then_nothing_is_left() -> None:
    meter = Meter()
    rate = Rate(100, 86_400)
    assert meter.spend("a", rate).allowed
    assert meter.spend("a", rate, 250) == (True, rate, 0, meter.spend("a", rate).reset)
    assert not meter.spend("a", rate).allowed
    assert not meter.take("a", rate, 1).allowed
    assert meter.spend("b", rate).allowed
