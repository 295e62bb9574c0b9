"""What the values change: each test renders the chart with some of them."""

import tomllib

import pytest
import yaml

from shared.bus.kafka_consuming import group_id
from tests.infra.lint import schemas
from tests.infra.lint.rendering import CHOICES, VALUES, RenderingError, world
from tests.infra.lint.world import CHART, ROOT, World, container, ksvc, load_table


@pytest.mark.parametrize(
    "wrong",
    [
        'kafka={"kind":"redis"}',
        'web={"kind":"Job"}',
        'image={"tag":"latest"}',
        'settings={"JWT_SECRET_KEY":"x"}',
        'eventing={"delivery":{"retry":3}}',
        'functions={"ingest":{"scale":{"minimum":1}}}',
        "replicas=3",
    ],
)
def test_values_that_mean_nothing_are_refused(wrong: str) -> None:
    with pytest.raises(RenderingError):
        world((), (wrong,))


def test_a_function_can_be_overridden_without_repeating_its_row() -> None:
    found = world((), ('functions={"ingest":{"scale":{"min":7},"memory":"1Gi"}}',))
    annotations = ksvc(found)["spec"]["template"]["metadata"]["annotations"]
    table = next(one for one in load_table()["functions"] if one["name"] == "ingest")
    assert annotations["autoscaling.knative.dev/min-scale"] == "7"
    assert annotations["autoscaling.knative.dev/max-scale"] == str(table["scale"]["max"])
    assert container(found)["resources"]["limits"]["memory"] == "1Gi"
    assert ksvc(found)["spec"]["template"]["spec"]["containerConcurrency"] == table["concurrency"]


def test_a_container_is_given_only_the_settings_it_reads() -> None:
    found = world(())
    for name, names in found.settings["functions"].items():
        given = {one["name"] for one in container(found, name.replace("_", "-"))["env"]}
        beside = {"POSTGRES_PASSWORD", "CLICKHOUSE_PASSWORD", "VALKEY_PASSWORD", "MINIO_ROOT_PASSWORD"}
        assert given - beside <= set(names), name


def test_with_jobs_an_export_is_worked_on_by_a_job_and_by_nothing_else() -> None:
    found = world(VALUES["production"])
    kind = "dev.sluice.export.requested.v1"
    takers = [one["spec"]["subscriber"]["ref"] for one in found.of("Trigger") if kind in str(one["spec"]["filters"])]
    assert [(one["kind"], one["name"]) for one in takers] == [("JobSink", "sluice-export")]


def test_local_images_are_ones_that_knative_asks_no_registry_for() -> None:
    for one in world(VALUES["local"]).ksvcs():
        [container_] = one["spec"]["template"]["spec"]["containers"]
        assert container_["image"].startswith("dev.local/")
        assert container_["imagePullPolicy"] != "Always"


def test_the_chart_asks_for_the_kubernetes_that_knative_needs() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["kubeVersion"] == ">=1.34.0-0"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert chart["appVersion"] == chart["version"] == project["version"]


def test_passwords_that_are_made_are_other_ones_for_each_key() -> None:
    [made] = world(VALUES["local"]).of("Secret")
    assert len(set(made["data"].values())) == len(made["data"])
    assert not world(VALUES["production"]).of("Secret")


def test_groups_have_the_names_that_the_functions_look_for() -> None:
    """Receipts, `freshness` and the ledger check ask Kafka how far batch_write and dead_letter are, by group."""
    found = world(())
    for row_ in load_table()["functions"]:
        for topic in row_.get("topics", []):
            service = row_["name"].replace("_", "-")
            if found.has("KafkaSource", f"{service}-{topic['topic']}"):
                spec = found.find("KafkaSource", f"{service}-{topic['topic']}")["spec"]
                assert spec["consumerGroup"] == group_id(topic["topic"], service)
    assert found.find("KafkaSource", "batch-write-events")
    assert found.find("KafkaSource", "dead-letter-dead-letter")


def test_replicas_of_the_warehouse_are_said_in_its_address() -> None:
    one, two = world(()), world((), ('clickhouse={"replicas":2}',))
    assert not value_of(one, "SLUICE_WAREHOUSE_URL").endswith("?cluster=sluice")
    assert value_of(two, "SLUICE_WAREHOUSE_URL").endswith("/analytics?cluster=sluice")
    assert two.find("ClickHouseInstallation", "sluice")["spec"]["configuration"]["clusters"][0]["name"] == "sluice"
    assert two.of("ClickHouseKeeperInstallation")
    assert not one.of("ClickHouseKeeperInstallation")


def value_of(found: World, name: str) -> str:
    env = container(found, "batch-write")["env"]
    return str(next(one["value"] for one in env if one["name"] == name))


def test_stores_elsewhere_are_not_made_and_are_asked_by_an_address_from_the_secret() -> None:
    found = world((), CHOICES["elsewhere"])
    assert not found.of("Kafka", "KafkaTopic", "ClickHouseInstallation", "StatefulSet")
    env = {one["name"]: one for one in container(found, "export")["env"]}
    for name in ("SLUICE_CATALOG_URL", "SLUICE_WAREHOUSE_URL", "SLUICE_OBJECTS_URL"):
        assert env[name]["valueFrom"]["secretKeyRef"] == {"name": "sluice-secrets", "key": name}
    assert env["SLUICE_BUS_URL"]["value"] == "kafka://a:9092,b:9092"
    assert found.find("Job", "sluice-migrate")["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"


def test_an_event_policy_is_there_only_when_asked_for() -> None:
    assert world((), ('eventing={"oidc":true}',)).of("EventPolicy")
    assert not world(()).of("EventPolicy")


def test_one_host_for_all_routes_events_to_ingest_and_the_rest_to_the_app() -> None:
    route = '{"enabled":true,"parentRefs":[{"name":"public"}],"singleHost":"analytics.example"}'
    found = world((), (f"httpRoute={route}",))
    assert [fault for one in found.objects for fault in schemas.faults_of(one)] == [] or not schemas.there()
    events, rest = found.find("HTTPRoute", "sluice-one-host")["spec"]["rules"]
    paths = {match["path"]["value"] for match in events["matches"]}
    ingest = next(one for one in load_table()["functions"] if one["name"] == "ingest")
    assert paths == {one["path"].rstrip("/") for one in ingest["http"]}
    assert events["filters"][0]["urlRewrite"]["hostname"].startswith("collect.")
    assert rest["filters"][0]["urlRewrite"]["hostname"].startswith("app.")


def test_behind_nginx_streams_are_not_held_back() -> None:
    found = world((), ('ingress={"enabled":true,"className":"nginx"}',))
    annotations = found.find("Ingress", "sluice")["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/proxy-buffering"] == "off"
    assert found.find("Ingress", "sluice")["spec"]["ingressClassName"] == "nginx"
