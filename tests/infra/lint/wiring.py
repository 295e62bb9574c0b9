"""Rules that hold the rendering against the wiring table, and the table against itself."""

from collections import defaultdict
from collections.abc import Iterator

from tests.infra.lint.world import Object, World, service_of, values_at

# Of the rendering, and of no row.
_BESIDE = {"web"}


def every_row_is_a_service_and_no_other(world: World) -> Iterator[str]:
    rows = {service_of(row) for row in world.rows()}
    found = {one["metadata"]["name"] for one in world.ksvcs()} - _BESIDE
    for name in sorted(rows ^ found):
        yield f"{name}: {'not rendered' if name in rows else 'in no row'}"


def what_a_row_reads_reaches_it(world: World) -> Iterator[str]:
    """By a KafkaSource of its own, or by a Trigger for those types on a broker that the topic is read into."""
    triggered, directly, bridged = _triggered(world), _direct(world), _bridged(world)
    for row in world.rows():
        by_trigger = triggered.get(row["name"], set())
        for topic in row.get("topics", []):
            direct = topic["topic"] in directly.get(service_of(row), set())
            through = bool(topic["types"]) and set(topic["types"]) <= by_trigger and topic["topic"] in bridged
            if not direct and not through:
                yield f"{row['name']}: nothing brings it {topic['topic']}"
            if direct and through:
                yield f"{row['name']}: gets {topic['topic']} twice"
        for missing in sorted(set(row.get("consumes", [])) - by_trigger):
            yield f"{row['name']}: no Trigger for {missing}"


def what_reaches_a_row_is_in_the_table(world: World) -> Iterator[str]:
    known = {row["name"]: row for row in world.rows()}
    for name, types in _triggered(world).items():
        wanted = _types_of(known[name]) if name in known else set()
        for more in sorted(types - wanted):
            yield f"{name}: a Trigger brings it {more}, which its row does not read"
    for service, topics in _direct(world).items():
        wanted = {t["topic"] for row in world.rows() if service_of(row) == service for t in row.get("topics", [])}
        for topic in sorted(topics - wanted):
            yield f"{service}: a KafkaSource brings it {topic}, which its row does not read"


def every_timer_of_a_row_ticks(world: World) -> Iterator[str]:
    """The same schedules, types and sinks as the table, no more and no less."""
    wanted = sorted((service_of(row), c["schedule"], c["type"]) for row in world.rows() for c in row.get("cron", []))
    found = sorted(
        (
            one["spec"]["sink"]["ref"]["name"],
            one["spec"].get("schedule", ""),
            one["spec"].get("ceOverrides", {}).get("extensions", {}).get("ticktype", ""),
        )
        for one in world.of("PingSource")
    )
    for each in sorted(set(wanted) ^ set(found)):
        yield f"{each}: {'no PingSource' if each in wanted else 'in no row'}"


def what_is_emitted_is_consumed_or_declared_terminal(world: World) -> Iterator[str]:
    emitted = {kind for row in world.rows() for kind in row.get("emits", [])}
    consumed = {kind for row in world.rows() for kind in _types_of(row)}
    terminal = set(world.table.get("terminal", {}))
    for kind in sorted(emitted - consumed - terminal):
        yield f"{kind}: nobody consumes it, and it is not declared terminal"
    for kind in sorted(terminal & consumed):
        yield f"{kind}: declared terminal, and consumed"
    for kind in sorted(terminal - emitted):
        yield f"{kind}: declared terminal, and nobody emits it"


def what_is_consumed_is_emitted_or_declared_a_source(world: World) -> Iterator[str]:
    emitted = {kind for row in world.rows() for kind in row.get("emits", [])}
    ticks = {cron["type"] for row in world.rows() for cron in row.get("cron", [])}
    declared = set(world.table.get("sources", {}))
    for row in world.rows():
        for kind in sorted(_types_of(row) - emitted - ticks - declared):
            yield f"{row['name']}: nobody emits {kind}"
    for kind in sorted(declared & emitted):
        yield f"{kind}: declared to come from outside, and emitted by a function"


def alerts_say_how_bad_and_what_to_do(world: World) -> Iterator[str]:
    """Each has a severity, a summary, and a runbook with its name."""
    for one in world.of("PrometheusRule"):
        for rule in (rule for group in one["spec"]["groups"] for rule in group["rules"] if "alert" in rule):
            notes = rule.get("annotations", {})
            if rule.get("labels", {}).get("severity") not in {"page", "ticket"} or not notes.get("summary"):
                yield f"{rule['alert']}: no severity or no summary"
            if not notes.get("runbook_url", "").endswith(f"docs/runbooks/{rule['alert']}.md"):
                yield f"{rule['alert']}: no runbook"


def _types_of(row: Object) -> set[str]:
    return {*row.get("consumes", []), *(kind for topic in row.get("topics", []) for kind in topic["types"])}


def _direct(world: World) -> dict[str, set[str]]:
    """The topics that each service reads by a KafkaSource of its own."""
    found = defaultdict(set)
    for one in world.of("KafkaSource"):
        sink = one["spec"]["sink"]["ref"]
        if sink["kind"] == "Service":
            found[sink["name"]].update(one["spec"]["topics"])
    return found


def _bridged(world: World) -> set[str]:
    """The topics that are read into the broker."""
    sources = world.of("KafkaSource")
    return {t for one in sources if one["spec"]["sink"]["ref"]["kind"] == "Broker" for t in one["spec"]["topics"]}


def _triggered(world: World) -> dict[str, set[str]]:
    """The types that Triggers bring to each function, by its name in the table, whether as a service or as a job."""
    names = {service_of(row): row["name"] for row in world.rows()}
    found: dict[str, set[str]] = defaultdict(set)
    for one in world.of("Trigger"):
        subscriber = one["spec"]["subscriber"]["ref"]
        service = subscriber["name"]
        if subscriber["kind"] == "JobSink":
            sink = world.find("JobSink", service)
            [container] = sink["spec"]["job"]["spec"]["template"]["spec"]["containers"]
            service = container["command"][-1].replace("_", "-")
        found[names.get(service, service)].update(values_at(one["spec"].get("filters", []), "type"))
    return found


RULES = (
    every_row_is_a_service_and_no_other,
    what_a_row_reads_reaches_it,
    what_reaches_a_row_is_in_the_table,
    every_timer_of_a_row_ticks,
    what_is_emitted_is_consumed_or_declared_terminal,
    what_is_consumed_is_emitted_or_declared_a_source,
    alerts_say_how_bad_and_what_to_do,
)
