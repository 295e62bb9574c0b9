"""For each rule the ways to break it: what a test does to a copy of a rendering, which the rule must then see."""

from collections.abc import Callable
from typing import Any

from tests.infra.lint.world import Object, World, container, ksvc

_TOO_LONG = 64


def pod(broken: World, name: str = "ingest") -> Object:
    found: Object = ksvc(broken, name)["spec"]["template"]["spec"]
    return found


def variable(broken: World, name: str) -> Object:
    return next(one for one in container(broken)["env"] if one["name"] == name)


def source(broken: World) -> Object:
    found: Object = broken.find("KafkaSource", "batch-write-events")["spec"]
    return found


def trigger(broken: World) -> Object:
    found: Object = broken.find("Trigger", "sluice-rollup")["spec"]
    return found


def tick(broken: World) -> Object:
    found: Object = broken.find("PingSource", "rollup")["spec"]
    return found


def without(broken: World, kind: str, name: str) -> World:
    kept = [one for one in broken.objects if (one["kind"], one["metadata"]["name"]) != (kind, name)]
    assert len(kept) < len(broken.objects)
    return World(kept, broken.table, broken.settings)


def with_more(broken: World, kind: str, name: str, **changed: Any) -> World:
    """With a second object like that one under the name `another`, and these fields of its spec changed."""
    more = World([broken.find(kind, name)], broken.table, broken.settings).copy().objects[0]
    more["metadata"]["name"] = "another"
    more["spec"].update(changed)
    return World([*broken.objects, more], broken.table, broken.settings)


def put(found: Object, **values: Any) -> None:
    found.update(values)


def row(broken: World, name: str) -> Object:
    return next(one for one in broken.table["functions"] if one["name"] == name)


Break = Callable[[World], "World | None"]
# For each rule the ways to break it, each of which it must see. What a way returns takes the place of the copy.
BREAKS: dict[str, list[Break]] = {
    "names_fit": [
        lambda w: put(ksvc(w)["metadata"], name="a" * 31),
        lambda w: put(w.find("KafkaTopic", "events")["metadata"], name="a" * _TOO_LONG),
        lambda w: put(w.find("KafkaTopic", "events")["metadata"], name="dead_letter"),
        lambda w: put(ksvc(w)["metadata"]["labels"], more="a" * _TOO_LONG),
    ],
    "everything_has_its_namespace": [lambda w: put(ksvc(w)["metadata"], namespace="")],
    "resources_are_named_everywhere": [
        lambda w: container(w).pop("resources"),
        lambda w: container(w)["resources"]["requests"].pop("cpu"),
        lambda w: container(w)["resources"]["limits"].pop("memory"),
        lambda w: put(container(w)["resources"]["limits"], memory="64Gi"),
        lambda w: w.find("KafkaNodePool", "sluice-brokers")["spec"].pop("resources"),
    ],
    "containers_are_confined": [
        lambda w: container(w).pop("securityContext"),
        lambda w: put(container(w)["securityContext"], readOnlyRootFilesystem=False),
        lambda w: put(container(w)["securityContext"], capabilities={"drop": ["ALL"], "add": ["NET_ADMIN"]}),
        lambda w: container(w)["securityContext"].pop("seccompProfile"),
    ],
    "no_pod_has_a_token_of_the_cluster": [
        lambda w: put(w.find("ServiceAccount", "sluice-ingest"), automountServiceAccountToken=True),
        lambda w: w.find("Job", "sluice-migrate")["spec"]["template"]["spec"].pop("automountServiceAccountToken"),
    ],
    "images_have_a_version": [
        lambda w: put(container(w), image="sluice/ingest"),
        lambda w: put(container(w), image="sluice/ingest:latest"),
    ],
    "secrets_are_never_literals": [
        lambda w: put(variable(w, "SLUICE_CATALOG_URL"), value="postgresql://sluice:hunter2@postgres/x"),
        lambda w: put(variable(w, "SLUICE_CATALOG_URL"), value="postgresql://sluice:$(SLUICE_IP)@postgres/x"),
        lambda w: container(w)["env"].append({"name": "MY_PASSWORD", "value": "hunter2"}),
        lambda w: container(w, "auth")["env"].append({"name": "JWT_SECRET_KEY", "value": "x" * 32}),
        lambda w: put(w.find("ConfigMap", "sluice-settings")["data"], SLUICE_SMTP_URL="smtp://mail"),
        lambda w: put(w.find("ConfigMap", "sluice-settings")["data"], ANY="https://me:hunter2@host"),
    ],
    "references_resolve": [
        lambda w: without(w, "ServiceAccount", "sluice-ingest"),
        lambda w: without(w, "ConfigMap", "sluice-settings"),
        lambda w: without(w, "Broker", "sluice"),
        lambda w: put(source(w)["sink"]["ref"], name="batch-writer"),
        lambda w: put(w.find("DomainMapping", "api.analytics.example")["spec"]["ref"], name="gate"),
    ],
    "network_policies_cover_every_pod": [
        lambda w: without(w, "NetworkPolicy", "sluice-ingest"),
        lambda w: put(w.find("NetworkPolicy", "sluice-ingest")["spec"], policyTypes=["Ingress"]),
    ],
    "jobs_end": [
        lambda w: w.find("Job", "sluice-migrate")["spec"].pop("activeDeadlineSeconds"),
        lambda w: w.find("JobSink", "sluice-export")["spec"]["job"]["spec"].pop("backoffLimit"),
    ],
    "autoscalers_leave_knative_alone": [
        lambda w: put(
            w.find("HorizontalPodAutoscaler", "sluice-web")["spec"]["scaleTargetRef"], kind="Service", name="ingest"
        ),
        lambda w: put(w.find("Deployment", "sluice-web")["spec"], replicas=2),
    ],
    "each_service_has_one_container_with_one_port": [
        lambda w: container(w)["ports"].append({"containerPort": 8084, "name": "metrics"}),
        lambda w: pod(w)["containers"].append({"image": "sidecar:1"}),
    ],
    "no_port_is_knatives_own": [lambda w: put(container(w)["ports"][0], containerPort=9090)],
    "scaling_is_said_on_the_template": [
        lambda w: put(ksvc(w)["metadata"]["annotations"], **{"autoscaling.knative.dev/min-scale": "1"}),
        lambda w: ksvc(w)["spec"]["template"]["metadata"]["annotations"].pop("autoscaling.knative.dev/max-scale"),
        lambda w: put(
            ksvc(w)["spec"]["template"]["metadata"]["annotations"], **{"autoscaling.knative.dev/min-scale": "99"}
        ),
    ],
    "concurrency_and_time_are_in_bounds": [
        lambda w: put(pod(w), containerConcurrency=1_001),
        lambda w: put(pod(w), timeoutSeconds=601),
    ],
    "only_fields_that_knative_takes_are_used": [
        lambda w: put(pod(w), securityContext={"fsGroup": 1}),
        lambda w: put(pod(w), nodeSelector={"disk": "fast"}),
        lambda w: put(pod(w), initContainers=[]),
        lambda w: put(container(w), lifecycle={}),
        lambda w: pod(w)["volumes"].append({"name": "data", "persistentVolumeClaim": {"claimName": "x"}}),
        lambda w: pod(w)["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
        lambda w: container(w)["env"].append({"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}),
    ],
    "no_variable_is_the_platforms": [
        lambda w: container(w)["env"].append({"name": "PORT", "value": "8081"}),
        lambda w: container(w)["env"].append({"name": "K_SINK", "value": "x"}),
    ],
    "probes_are_ones_that_knative_takes": [
        lambda w: container(w).pop("readinessProbe"),
        lambda w: put(container(w), startupProbe={"httpGet": {"path": "/healthz"}, "periodSeconds": 1}),
    ],
    "only_the_public_hosts_are_public": [
        lambda w: ksvc(w, "batch-write")["metadata"]["labels"].pop("networking.knative.dev/visibility"),
        lambda w: put(w.find("DomainMapping", "api.analytics.example")["spec"]["ref"], name="batch-write"),
    ],
    "every_service_has_a_disruption_budget": [
        lambda w: without(w, "PodDisruptionBudget", "sluice-ingest"),
        lambda w: put(
            w.find("PodDisruptionBudget", "sluice-ingest")["spec"]["selector"], matchLabels={"app": "ingest"}
        ),
    ],
    "versions_are_the_verified_ones": [
        lambda w: put(w.find("KafkaTopic", "events"), apiVersion="kafka.strimzi.io/v1beta2"),
        lambda w: put(w.find("KafkaSource", "batch-write-events"), apiVersion="sources.knative.dev/v1beta1"),
        lambda w: put(w.find("KafkaTopic", "events"), apiVersion="kafka.example.com/v1"),
    ],
    "sources_leave_nothing_to_defaults": [
        lambda w: source(w).pop("consumerGroup"),
        lambda w: source(w).pop("initialOffset"),
        lambda w: put(source(w), initialOffset="latest"),
        lambda w: put(source(w), ordering="ordered"),
        lambda w: source(w).pop("consumers"),
    ],
    "no_two_sources_share_a_group": [lambda w: put(source(w), consumerGroup="live.events")],
    "deliveries_are_complete": [
        lambda w: source(w).pop("delivery"),
        lambda w: put(source(w)["delivery"], retry=11),
        lambda w: source(w)["delivery"].pop("retry"),
        lambda w: put(source(w)["delivery"], backoffPolicy="linear"),
        lambda w: trigger(w)["delivery"].pop("timeout"),
        lambda w: w.find("Broker", "sluice")["spec"]["delivery"].pop("backoffDelay"),
    ],
    "durations_are_iso_8601": [
        lambda w: put(source(w)["delivery"], backoffDelay="500ms"),
        lambda w: put(source(w)["delivery"], backoffDelay="PT0S"),
        lambda w: put(source(w)["delivery"], timeout="PT"),
        lambda w: put(trigger(w)["delivery"], timeout=30),
        lambda w: put(trigger(w)["delivery"], retryAfterMax="30s"),
    ],
    "what_is_given_up_becomes_a_dead_letter": [
        lambda w: source(w)["delivery"].pop("deadLetterSink"),
        lambda w: put(trigger(w)["delivery"]["deadLetterSink"]["ref"], kind="Service", name="dead-letter"),
        lambda w: put(w.find("KafkaSink", "sluice-dead-letters")["spec"], topic="nobody-reads-this"),
        lambda w: without(w, "KafkaSink", "sluice-dead-letters"),
    ],
    "filters_speak_one_dialect_each": [
        lambda w: trigger(w).pop("filters"),
        lambda w: put(trigger(w), filter={"attributes": {"type": "x"}}),
        lambda w: trigger(w)["filters"].append({"exact": {"type": "a"}, "prefix": {"source": "/"}}),
        lambda w: trigger(w)["filters"].append({"regex": {"type": ".*"}}),
        lambda w: trigger(w)["filters"].append({"any": []}),
        lambda w: trigger(w)["filters"].append({"not": {"exact": {"event_count": "1"}}}),
    ],
    "added_attributes_have_names_of_their_own": [
        lambda w: put(tick(w)["ceOverrides"]["extensions"], type="dev.sluice.rollup.due.v1"),
        lambda w: put(tick(w)["ceOverrides"]["extensions"], tick_type="x"),
        lambda w: put(tick(w)["ceOverrides"]["extensions"], TickType="x"),
    ],
    "ticks_are_ones_that_ping_sources_take": [
        lambda w: put(tick(w), schedule="@every 1m"),
        lambda w: put(tick(w), schedule="* * *"),
        lambda w: put(tick(w), schedule="61 * * * *"),
        lambda w: put(tick(w), data="[]"),
        lambda w: put(tick(w), data="due"),
        lambda w: put(tick(w), dataBase64="e30="),
        lambda w: tick(w).pop("contentType"),
        lambda w: tick(w).pop("ceOverrides"),
    ],
    "the_broker_is_kafkas": [
        lambda w: w.find("Broker", "sluice")["metadata"].pop("annotations"),
        lambda w: w.find("ConfigMap", "sluice-broker")["data"].pop("bootstrap.servers"),
    ],
    "policies_of_events_are_asked_for": [
        lambda w: put(w.find("KafkaTopic", "events"), kind="EventPolicy", apiVersion="eventing.knative.dev/v1alpha1"),
    ],
    "topics_hold_our_records": [
        lambda w: without(w, "KafkaTopic", "events"),
        lambda w: put(w.find("KafkaTopic", "events")["spec"]["config"], **{"max.message.bytes": 1_048_576}),
        lambda w: put(w.find("KafkaTopic", "events")["spec"]["config"], **{"min.insync.replicas": 1}),
    ],
    "every_row_is_a_service_and_no_other": [
        lambda w: without(w, "Service", "receipts"),
        lambda w: put(row(w, "receipts"), name="receipt"),
    ],
    "what_a_row_reads_reaches_it": [
        lambda w: without(w, "KafkaSource", "batch-write-events"),
        lambda w: without(w, "KafkaSource", "sluice-control"),
        lambda w: without(w, "Trigger", "sluice-rollup"),
        lambda w: put(row(w, "receipts"), consumes=["dev.sluice.query.requested.v1"]),
    ],
    "what_reaches_a_row_is_in_the_table": [
        lambda w: trigger(w)["filters"][0]["any"].append({"exact": {"type": "dev.sluice.hours.rolled.v1"}}),
        lambda w: put(source(w), topics=["events", "control"]),
    ],
    "every_timer_of_a_row_ticks": [
        lambda w: without(w, "PingSource", "rollup"),
        lambda w: with_more(w, "PingSource", "rollup", schedule="0 0 * * *"),
        lambda w: put(tick(w)["ceOverrides"]["extensions"], ticktype="dev.sluice.rolled.v1"),
    ],
    "what_is_emitted_is_consumed_or_declared_terminal": [
        lambda w: row(w, "ingest")["emits"].append("dev.sluice.events.seen.v1"),
        lambda w: put(w.table["terminal"], **{"dev.sluice.hours.changed.v1": "nobody"}),
        lambda w: put(w.table["terminal"], **{"dev.sluice.events.seen.v1": "nobody"}),
    ],
    "what_is_consumed_is_emitted_or_declared_a_source": [
        lambda w: put(row(w, "query_count"), consumes=["dev.sluice.query.wanted.v1"]),
        lambda w: put(w.table["sources"], **{"dev.sluice.hours.changed.v1": "somebody"}),
    ],
    "alerts_say_how_bad_and_what_to_do": [
        lambda w: first_alert(w)["annotations"].pop("runbook_url"),
        lambda w: put(first_alert(w)["annotations"], runbook_url="docs/runbooks/other.md"),
        lambda w: put(first_alert(w)["labels"], severity="bad"),
    ],
}


def first_alert(broken: World) -> Object:
    groups = broken.find("PrometheusRule", "sluice")["spec"]["groups"]
    found: Object = next(rule for group in groups for rule in group["rules"] if "alert" in rule)
    return found
