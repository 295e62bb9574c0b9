"""With `tls.enabled` nothing leaves a pod unencrypted, and nobody may speak plainly to a store (docs/encryption.md)."""

import re

import pytest
import yaml

from tests.infra.lint.rendering import VALUES, world
from tests.infra.lint.world import CHART, ROOT, World, containers, values_at

# A store of every kind that this chart makes, with TLS.
EVERYTHING = (
    'tls={"enabled":true}',
    'certManager={"enabled":true}',
    'kafka={"auth":{"enabled":true}}',
    'objects={"encrypt":true}',
    'storage={"className":"encrypted"}',
)


def encrypted() -> World:
    return world((), EVERYTHING)


def urls(found: World) -> dict[str, str]:
    """Every address of a store that some container of ours is given, by the setting's name."""
    named = {}
    for one in found.objects:
        for each in containers(one):
            for variable in each.spec.get("env", []):
                if re.fullmatch(r"SLUICE_(BUS|CACHE|CATALOG|WAREHOUSE|OBJECTS)_URL", variable["name"]):
                    named[variable["name"]] = variable.get("value", "")
    return named


def test_every_store_is_asked_over_tls_that_is_verified() -> None:
    found = urls(encrypted())
    assert found["SLUICE_BUS_URL"].startswith("kafka+ssl://")
    assert found["SLUICE_CACHE_URL"].startswith("rediss://")
    assert found["SLUICE_WAREHOUSE_URL"].startswith("https://")
    assert "endpoint=https://" in found["SLUICE_OBJECTS_URL"]
    assert found["SLUICE_CATALOG_URL"].endswith("?sslmode=verify-full&sslrootcert=/etc/sluice/ca/ca.crt")
    assert [url for url in urls(world(())).values() if "ssl" in url or "https" in url] == []


def test_every_container_of_ours_has_the_ca_and_trusts_it() -> None:
    found = encrypted()
    for one in [*found.ksvcs(), found.find("Job", "sluice-migrate")]:
        spec = one["spec"]["template"]["spec"]
        [container] = spec["containers"]
        assert {"name": "SSL_CERT_FILE", "value": "/etc/sluice/ca/ca.crt"} in container["env"]
        assert "/etc/sluice/ca" in {mount["mountPath"] for mount in container["volumeMounts"]}
        assert "sluice-ca" in set(values_at(spec["volumes"], "secretName"))


def test_the_name_a_store_is_asked_by_is_in_its_certificate() -> None:
    found = encrypted()
    signed = {name for one in found.of("Certificate") for name in one["spec"].get("dnsNames", [])}
    servers = [re.split(r"endpoint=https://|@|//", url)[-1] for url in urls(found).values()]
    hosts = {re.split(r"[:/?]", server)[0] for server in servers}
    assert hosts
    assert hosts <= signed
    assert "*.sluice-kafka-brokers.analytics.svc" in signed, "what Strimzi's brokers tell clients to ask next"


def test_kafka_has_no_plain_listener_and_knows_who_asks() -> None:
    found = encrypted()
    [listener] = found.find("Kafka", "sluice")["spec"]["kafka"]["listeners"]
    assert listener["tls"]
    assert listener["authentication"] == {"type": "scram-sha-512"}
    assert found.find("Kafka", "sluice")["spec"]["kafka"]["authorization"] == {"type": "simple"}
    for one in found.of("KafkaSource"):
        assert one["spec"]["net"]["tls"]["enable"]
        assert one["spec"]["net"]["sasl"]["enable"]
    assert found.find("KafkaSink", "sluice-dead-letters")["spec"]["auth"]


def test_postgres_takes_no_connection_without_tls() -> None:
    found = encrypted()
    rules = found.find("ConfigMap", "sluice-postgres")["data"]["pg_hba.conf"].splitlines()
    assert [line.split()[0] for line in rules] == ["local", "hostssl"]
    arguments = found.find("StatefulSet", "sluice-postgres")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "ssl=on" in arguments
    production = world(VALUES["production"]).find("Cluster", "sluice-postgres")["spec"]
    assert production["postgresql"]["pg_hba"] == ["hostnossl all all all reject"]


def test_valkey_has_no_plain_port() -> None:
    command = encrypted().find("Deployment", "sluice-valkey")["spec"]["template"]["spec"]["containers"][0]["command"]
    assert "--port 0 --tls-port 6379" in command[-1]


def test_clickhouse_is_offered_over_https_only() -> None:
    templates = encrypted().find("ClickHouseInstallation", "sluice")["spec"]["templates"]
    assert [port["port"] for port in templates["serviceTemplates"][0]["spec"]["ports"]] == [8443]


def test_minio_encrypts_what_it_keeps() -> None:
    [container] = encrypted().find("StatefulSet", "sluice-minio")["spec"]["template"]["spec"]["containers"]
    assert {"name": "MINIO_KMS_AUTO_ENCRYPTION", "value": "on"} in container["env"]
    assert "--certs-dir" in container["command"][-1]


def test_every_disk_is_of_the_class_that_is_named() -> None:
    found = encrypted()
    claims = [claim for one in found.of("StatefulSet") for claim in one["spec"]["volumeClaimTemplates"]]
    claims += found.find("ClickHouseInstallation", "sluice")["spec"]["templates"]["volumeClaimTemplates"]
    assert {claim["spec"]["storageClassName"] for claim in claims} == {"encrypted"}
    assert found.find("KafkaNodePool", "sluice-brokers")["spec"]["storage"]["class"] == "encrypted"
    cluster = world(VALUES["production"]).find("Cluster", "sluice-postgres")["spec"]["storage"]
    assert cluster["storageClass"] == "encrypted"


def test_people_reach_the_hosts_over_https_in_production() -> None:
    found = world(VALUES["production"])
    hosts = {host for tls in found.find("Ingress", "sluice")["spec"]["tls"] for host in tls["hosts"]}
    assert hosts == {rule["host"] for rule in found.find("Ingress", "sluice")["spec"]["rules"]}
    assert found.find("ConfigMap", "sluice-settings")["data"]["SLUICE_PUBLIC_URL"].startswith("https://")


def test_production_values_encrypt_and_name_an_encrypted_class() -> None:
    values = yaml.safe_load((CHART / "values-production.yaml").read_text(encoding="utf-8"))
    assert values["tls"]["enabled"]
    assert values["storage"]["className"]
    assert values["kafka"]["auth"]["enabled"]


def test_the_table_names_tests_that_exist() -> None:
    page = (ROOT / "docs/encryption.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+)`", page)
    files = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    assert named
    for name in named:
        assert any(f"def {name}(" in text for text in files), name


@pytest.mark.parametrize("values", VALUES)
def test_without_tls_nothing_asks_for_a_certificate(values: str) -> None:
    found = world(VALUES[values])
    if "production" not in values:
        assert not found.of("Issuer")
        assert "SSL_CERT_FILE" not in str(found.ksvcs()[0])
