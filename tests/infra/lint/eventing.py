"""Rules for sources, Triggers, the broker and Kafka that no schema sees."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from croniter import croniter

from tests.infra.lint.world import Object, World, called, values_at

_FEWEST_RETRIES = 12
_DURATION = re.compile(r"P(?=\d|T\d)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+([.]\d+)?S)?)?")
_DURATION_FIELDS = ("backoffDelay", "timeout", "retryAfterMax")
_DIALECTS = {"exact", "prefix", "suffix", "all", "any", "not", "cesql"}
_ATTRIBUTE = re.compile(r"[a-z0-9]{1,20}")
_OF_CLOUDEVENTS = {"id", "source", "type", "specversion", "time", "subject", "datacontenttype", "dataschema", "data"}
_CRON_FIELDS = (5, 6)
# Our records have up to 1 MiB, and a batch of Kafka's has a frame.
_RECORD_BYTES = 2_097_152
_SEVERAL_COPIES = 3
# Whatever else serves these groups was removed, or is not the version that was verified.
_VERSIONS = {
    "serving.knative.dev": {"v1", "v1beta1"},
    "networking.internal.knative.dev": {"v1alpha1"},
    "eventing.knative.dev": {"v1", "v1alpha1"},
    "sources.knative.dev": {"v1"},
    "sinks.knative.dev": {"v1alpha1"},
    "kafka.strimzi.io": {"v1"},
    "gateway.networking.k8s.io": {"v1", "v1beta1"},
    "cert-manager.io": {"v1"},
    "clickhouse.altinity.com": {"v1"},
    "clickhouse-keeper.altinity.com": {"v1"},
    "postgresql.cnpg.io": {"v1"},
    "monitoring.coreos.com": {"v1"},
}


def _delivering(world: World) -> list[Object]:
    return world.of("KafkaSource", "Trigger", "Broker")


def versions_are_the_verified_ones(world: World) -> Iterator[str]:
    for one in world.objects:
        group, _, version = one["apiVersion"].rpartition("/")
        if "." in group and not group.endswith("k8s.io") and version not in _VERSIONS.get(group, set()):
            yield f"{called(one)}: {one['apiVersion']} was not verified"


def sources_leave_nothing_to_defaults(world: World) -> Iterator[str]:
    """The default group is random, the default offset skips what is there, the default order is one at a time."""
    for one in world.of("KafkaSource"):
        spec = one["spec"]
        if not spec.get("consumerGroup"):
            yield f"{called(one)}: no consumerGroup"
        if spec.get("initialOffset") != "earliest":
            yield f"{called(one)}: initialOffset is not earliest"
        if spec.get("ordering") != "unordered":
            yield f"{called(one)}: ordering is not unordered"
        if spec.get("consumers", 0) < 1:
            yield f"{called(one)}: no consumers"


def no_two_sources_share_a_group(world: World) -> Iterator[str]:
    """Each would get a part of the records."""
    groups = Counter(one["spec"].get("consumerGroup") for one in world.of("KafkaSource"))
    for group, times in groups.items():
        if times > 1:
            yield f"{times} sources share the group {group}"


def deliveries_are_complete(world: World) -> Iterator[str]:
    """A field that is missing counts as 0: no retry, or no wait."""
    for one in _delivering(world):
        found = one["spec"].get("delivery", {})
        if found.get("retry", 0) < _FEWEST_RETRIES:
            yield f"{called(one)}: fewer than {_FEWEST_RETRIES} retries"
        if found.get("backoffPolicy") != "exponential":
            yield f"{called(one)}: the wait between tries does not grow"
        if missing := [name for name in ("backoffDelay", "timeout") if not found.get(name)]:
            yield f"{called(one)}: no {missing[0]}"


def durations_are_iso_8601(world: World) -> Iterator[str]:
    """Bad ones pass admission and fail later."""
    for one in world.objects:
        for delivery in values_at(one.get("spec", {}), "delivery"):
            for name in _DURATION_FIELDS:
                if name in delivery and not _is_duration(delivery[name]):
                    yield f"{called(one)}: {name} {delivery[name]!r} is no duration"


def _is_duration(text: Any) -> bool:
    return bool(isinstance(text, str) and _DURATION.fullmatch(text) and re.search("[1-9]", text))


def what_is_given_up_becomes_a_dead_letter(world: World) -> Iterator[str]:
    """Else its offset is committed and the record is lost. The sink writes the topic that a function reads."""
    read = {topic["topic"] for row in world.rows() if row["name"] == "dead_letter" for topic in row["topics"]}
    for one in _delivering(world):
        sink = one["spec"].get("delivery", {}).get("deadLetterSink", {}).get("ref", {})
        if sink.get("kind") != "KafkaSink" or not world.has("KafkaSink", sink.get("name", "")):
            yield f"{called(one)}: no dead letter sink"
        elif world.find("KafkaSink", sink["name"])["spec"]["topic"] not in read:
            yield f"{called(one)}: nobody reads its dead letters"


def filters_speak_one_dialect_each(world: World) -> Iterator[str]:
    """Entries are joined by and; within one only a single dialect counts, over attributes of plain names."""
    for one in world.of("Trigger", "EventPolicy"):
        if "filter" in one["spec"]:
            yield f"{called(one)}: `filter` is the older field, and is ignored beside `filters`"
        if one["kind"] == "Trigger" and not one["spec"].get("filters"):
            yield f"{called(one)}: without filters it gets every event"
        for entry in one["spec"].get("filters", []):
            yield from _filter_faults(called(one), entry)


def _filter_faults(place: str, entry: Object) -> Iterator[str]:
    if len(entry) != 1 or not set(entry) <= _DIALECTS:
        yield f"{place}: a filter entry has the dialects {sorted(entry)}"
        return
    [(dialect, value)] = entry.items()
    if dialect in {"all", "any"}:
        if not value:
            yield f"{place}: an empty {dialect}"
        for inner in value:
            yield from _filter_faults(place, inner)
    elif dialect == "not":
        yield from _filter_faults(place, value)
    elif dialect != "cesql" and (bad := [name for name in value if not _ATTRIBUTE.fullmatch(name)]):
        yield f"{place}: {bad[0]!r} is no name of an attribute"


def added_attributes_have_names_of_their_own(world: World) -> Iterator[str]:
    """Lower-case letters and digits, and none of CloudEvents' own: a source cannot change the type."""
    for one in world.objects:
        for override in values_at(one.get("spec", {}), "ceOverrides"):
            for name in override.get("extensions", {}):
                if not _ATTRIBUTE.fullmatch(name) or name in _OF_CLOUDEVENTS:
                    yield f"{called(one)}: {name!r} cannot be added to an event"


def ticks_are_ones_that_ping_sources_take(world: World) -> Iterator[str]:
    """Five or six fields, no @every, JSON data that is an object, and the type of ours beside it."""
    for one in world.of("PingSource"):
        spec = one["spec"]
        schedule = spec.get("schedule", "")
        if len(schedule.split()) not in _CRON_FIELDS or not croniter.is_valid(schedule):
            yield f"{called(one)}: {schedule!r} is no schedule"
        if "dataBase64" in spec or spec.get("contentType") != "application/json" or not _is_object(spec.get("data")):
            yield f"{called(one)}: its data is no JSON object"
        if not spec.get("ceOverrides", {}).get("extensions", {}).get("ticktype"):
            yield f"{called(one)}: nobody could tell what the tick is for"


def _is_object(text: Any) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (TypeError, ValueError):
        return False


def the_broker_is_kafkas(world: World) -> Iterator[str]:
    """Without the class an in-memory broker would take events and lose them."""
    for one in world.of("Broker"):
        config = one["spec"].get("config", {})
        if one["metadata"].get("annotations", {}).get("eventing.knative.dev/broker.class") != "Kafka":
            yield f"{called(one)}: its class is not Kafka"
        elif "bootstrap.servers" not in world.find("ConfigMap", config["name"])["data"]:
            yield f"{called(one)}: its config map names no servers"


def policies_of_events_are_asked_for(world: World) -> Iterator[str]:
    """The API refuses an EventPolicy unless OIDC authentication is on, so no file of values has one."""
    for one in world.of("EventPolicy"):
        yield f"{called(one)}: only with eventing.oidc"


def topics_hold_our_records(world: World) -> Iterator[str]:
    """Strimzi has each topic of the table, it takes our records, and two brokers have what is acknowledged."""
    if not world.of("Kafka"):
        return
    wanted = {topic["topic"] for row in world.rows() for topic in row.get("topics", [])}
    for name in sorted(wanted - {one["metadata"]["name"] for one in world.of("KafkaTopic")}):
        yield f"no KafkaTopic {name}"
    for one in world.of("KafkaTopic"):
        config = one["spec"]["config"]
        if int(config.get("max.message.bytes", 0)) < _RECORD_BYTES:
            yield f"{called(one)}: our records do not fit"
        if one["spec"]["replicas"] >= _SEVERAL_COPIES and config.get("min.insync.replicas") != 2:
            yield f"{called(one)}: one broker alone may acknowledge"


RULES = (
    versions_are_the_verified_ones,
    sources_leave_nothing_to_defaults,
    no_two_sources_share_a_group,
    deliveries_are_complete,
    durations_are_iso_8601,
    what_is_given_up_becomes_a_dead_letter,
    filters_speak_one_dialect_each,
    added_attributes_have_names_of_their_own,
    ticks_are_ones_that_ping_sources_take,
    the_broker_is_kafkas,
    policies_of_events_are_asked_for,
    topics_hold_our_records,
)
