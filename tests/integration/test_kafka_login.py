"""Kafka behind TLS both ways and a login: a real broker that knows its clients by certificate and password."""

import dataclasses
import datetime as dt
import gc
import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from kafka import KafkaAdminClient
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from shared.bus import BusUnavailableError, Message, open_bus
from shared.bus.kafka_options import client_options
from shared.config import KafkaSettings
from tests.engines.kafka import KafkaCluster, running

pytestmark = pytest.mark.engines

JAAS = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required"
    ' username="broker" password="own" user_broker="own" user_sluice="right";'
)
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
MESSAGE = Message({"id": "1"}, b"{}")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.collect()  # a socket that is left unclosed fails the test that left it, not a later one


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate for 127.0.0.1 in one PEM file; the certificate is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test broker")])
    now = dt.datetime.now(tz=dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return folder


@pytest.fixture(scope="module")
def guarded(certificate: Path) -> Iterator[KafkaCluster]:
    properties = {
        "listener.security.protocol.map": "PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.plaintext.scram-sha-512.sasl.jaas.config": f"{SCRAM} required;",
        "listener.name.plaintext.ssl.client.auth": "required",
        "listener.name.plaintext.plain.sasl.jaas.config": JAAS,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificate / "server.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificate / "ca.pem"),
    }
    with running(1, **properties) as cluster:
        yield cluster


def login(
    certificate: Path, password: str, user: str = "sluice", sasl: Literal["PLAIN", "SCRAM-SHA-512"] = "PLAIN"
) -> KafkaSettings:
    return KafkaSettings(
        kafka_user=user,
        kafka_password=password,
        kafka_sasl=sasl,
        kafka_ca=str(certificate / "ca.pem"),
        kafka_certificate=str(certificate / "server.pem"),
        kafka_partitions=1,
    )


def guarded_url(cluster: KafkaCluster) -> str:
    return cluster.url.replace("kafka://", "kafka+ssl://")


async def test_records_go_through_tls_with_a_login(guarded: KafkaCluster, certificate: Path) -> None:
    bus = open_bus(guarded_url(guarded), login(certificate, "right"))
    await bus.ping()
    [position] = await bus.publish("t", [MESSAGE])
    subscription = await bus.subscribe("t", "g")
    [delivery] = await subscription.take(10, 5)
    assert (delivery.position, delivery.message) == (position, MESSAGE)
    await subscription.ack([position])
    assert await bus.lag("t", "g") == 0
    await subscription.close()
    await bus.close()


async def test_a_login_by_scram_is_taken_with_the_right_password_only(guarded: KafkaCluster, certificate: Path) -> None:
    admin = KafkaAdminClient(**client_options(guarded_url(guarded), login(certificate, "right")))
    admin.alter_user_scram_credentials([UserScramCredentialUpsertion("scram", ScramMechanism.SCRAM_SHA_512, b"secret")])
    admin.close()
    bus = open_bus(guarded_url(guarded), login(certificate, "secret", "scram", "SCRAM-SHA-512"))
    await bus.publish("scram", [MESSAGE])
    await bus.close()
    bus = open_bus(guarded_url(guarded), login(certificate, "mistaken", "scram", "SCRAM-SHA-512"))
    with pytest.raises(BusUnavailableError):
        await bus.publish("scram", [MESSAGE])
    await bus.close()


async def test_without_its_certificate_a_client_is_refused(guarded: KafkaCluster, certificate: Path) -> None:
    settings = dataclasses.replace(login(certificate, "right"), kafka_certificate="")
    bus = open_bus(guarded_url(guarded), settings)
    with pytest.raises(BusUnavailableError):
        await bus.publish("t", [MESSAGE])
    await bus.close()


async def test_a_wrong_password_is_refused_and_never_shown(guarded: KafkaCluster, certificate: Path) -> None:
    bus = open_bus(guarded_url(guarded), login(certificate, "mistaken"))
    with pytest.raises(BusUnavailableError) as refused:
        await bus.publish("t", [MESSAGE])
    assert "mistaken" not in str(refused.value)
    await bus.close()


async def test_a_server_that_nobody_vouches_for_is_refused(guarded: KafkaCluster) -> None:
    bus = open_bus(guarded_url(guarded), KafkaSettings(kafka_user="sluice", kafka_password="right", kafka_sasl="PLAIN"))
    with pytest.raises(BusUnavailableError):
        await bus.ping()
    await bus.close()
