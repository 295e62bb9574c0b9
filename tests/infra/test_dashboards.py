"""Dashboards and alert rules ask for series that exist; the chart and docker-compose.yml share the files."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from shared import metrics
from shared.local import source_metrics
from tests.infra.image import ROOT

FOLDER = ROOT / "knative/files/dashboards"
GROUPS = yaml.safe_load((ROOT / "knative/files/alerts.yaml").read_text(encoding="utf-8"))["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
# Of others: the process itself, Kubernetes, Strimzi's exporter, cert-manager.
OUTSIDE = {
    "up",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "kube_pod_container_status_restarts_total",
    "kube_pod_created",
    "kube_pod_status_ready_time",
    "kubelet_volume_stats_available_bytes",
    "kubelet_volume_stats_capacity_bytes",
    "kafka_consumergroup_lag",
    "certmanager_certificate_expiration_timestamp_seconds",
}
_ENDS = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
_NOT_NAMES = re.compile(
    r'"[^"]*"|\[[^]]*\]|\{[^}]*\}|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)|\b\d[\d.]*\w*'
)
_WORDS = {"and", "or", "unless", "bool", "offset"}


def series() -> dict[str, str]:
    """Every series of ours, with the metric it is of."""
    found = {}
    for module in (metrics, source_metrics):
        for metric in vars(module).values():
            if isinstance(metric, MetricWrapperBase):
                [described] = metric.describe()
                for end in _ENDS.get(described.type, [""]):
                    found[described.name + end] = described.name
    return found


def names_in(expression: str) -> set[str]:
    bare = _NOT_NAMES.sub(" ", expression)
    return set(re.findall(r"\b[a-z_][a-z0-9_:]+\b(?!\s*\()", bare)) - _WORDS


def expressions() -> Iterator[tuple[str, str]]:
    for rule in RULES:
        yield rule.get("alert") or rule["record"], str(rule["expr"])
    for path in sorted(FOLDER.glob("*.json")):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                yield f"{path.name}: {panel['title']}", target["expr"]


def test_every_expression_asks_for_series_that_exist() -> None:
    known = set(series()) | OUTSIDE | {rule["record"] for rule in RULES if "record" in rule}
    unknown = {place: names_in(text) - known for place, text in expressions() if names_in(text) - known}
    assert unknown == {}
    assert all(names_in(text) for place, text in expressions() if place != "sluice:slo_budget:ratio")


def test_a_misspelt_series_is_found() -> None:
    assert names_in('sum by (le) (rate(sluice_htp_request_seconds_bucket{le="0.1"}[5m])) > 14.4 * up') == {
        "sluice_htp_request_seconds_bucket",
        "up",
    }


def test_an_objective_counts_up_to_a_bound_that_the_histogram_has() -> None:
    bounds = {
        "sluice_http_request_seconds_bucket": metrics.HTTP_SECONDS,
        "sluice_record_age_seconds_bucket": metrics.RECORD_AGE_SECONDS,
    }
    asked = {
        (name, float(bound))
        for _, text in expressions()
        for name, bound in re.findall(r'(\w+_bucket)\{[^}]*le="([^"]+)"', text)
    }
    assert {name for name, _ in asked} == set(bounds)
    for name, bound in asked:
        labels = ["ingest", "202"] if name.startswith("sluice_http") else []
        sample = bounds[name].labels(*labels) if labels else bounds[name]
        assert bound in sample._upper_bounds


def test_every_objective_has_every_window_and_a_page_and_a_ticket() -> None:
    objectives = {rule["labels"]["slo"] for rule in RULES if rule.get("record") == "sluice:slo_budget:ratio"}
    assert objectives == {"ingest-availability", "query-availability", "ingest-latency", "freshness"}
    for objective in objectives:
        mine = [rule for rule in RULES if rule.get("labels", {}).get("slo") == objective]
        windows = {rule["record"].rpartition("_rate")[2] for rule in mine if "ratio_rate" in rule.get("record", "")}
        assert windows == {"5m", "30m", "1h", "2h", "6h", "1d", "3d"}
        assert {rule["labels"]["severity"] for rule in mine if "alert" in rule} == {"page", "ticket"}


def boards() -> list[Path]:
    return sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", boards(), ids=lambda path: path.stem)
def test_no_panel_of_a_dashboard_covers_another(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_dashboards_have_names_of_their_own() -> None:
    found: list[dict[str, Any]] = [json.loads(path.read_text(encoding="utf-8")) for path in boards()]
    assert len(found) >= 3
    assert len({board["uid"] for board in found}) == len({board["title"] for board in found}) == len(found)
