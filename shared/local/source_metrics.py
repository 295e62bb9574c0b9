"""Metrics of the emulated sources; docs/metrics.md is generated from here and shared/metrics.py."""

from prometheus_client import Counter, Gauge

LAG = Gauge("sluice_bus_lag_records", "Records on the bus a group has not answered yet.", ["topic", "group"])
DELIVERIES = Counter(
    "sluice_source_deliveries_total", "Deliveries by the emulated sources, by outcome.", ["group", "outcome"]
)
FILTERED = Counter("sluice_source_filtered_total", "Records of a type the group does not take.", ["group"])
TICKS = Counter("sluice_source_ticks_total", "Timer ticks by outcome: delivered or lost.", ["function", "outcome"])
