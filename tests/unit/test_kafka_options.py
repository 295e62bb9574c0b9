"""The Kafka bus from its URL and settings, and CloudEvents in Kafka's headers: nothing connects here."""

import gc
import ssl
import warnings
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from shared.bus import BusUnavailableError, Message, open_bus
from shared.bus.kafka_options import client_options, opened
from shared.bus.kafka_publishing import headers_of, message_of
from shared.config import ConfigError, KafkaSettings

PLAIN = KafkaSettings()


@pytest.mark.parametrize(
    ("url", "servers"),
    [
        ("kafka://a", ["a:9092"]),
        ("kafka://a:1,b:2/", ["a:1", "b:2"]),
        ("kafka://[::1]:9,[::2]", ["[::1]:9", "[::2]:9092"]),
    ],
)
def test_every_server_of_the_url_is_used(url: str, servers: list[str]) -> None:
    options = client_options(url, PLAIN)
    assert (options["bootstrap_servers"], options["security_protocol"]) == (servers, "PLAINTEXT")


@pytest.mark.parametrize(
    "url", ["kafka://", "kafka://u:hidden@", "kafka://hidden:x", "kafka://hidden:0", "kafka://a,", "kafka://a/b?hidden"]
)
def test_an_unusable_url_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigError, match="SLUICE_BUS_URL") as refused:
        open_bus(url, PLAIN)
    assert "hidden" not in str(refused.value)


def test_the_login_comes_from_the_url_or_from_the_settings() -> None:
    settings = KafkaSettings(kafka_user="u", kafka_password="p", kafka_sasl="PLAIN")
    of_settings, of_url = client_options("kafka://a", settings), client_options("kafka://v:q%40r@a", settings)
    assert (of_settings["sasl_plain_username"], of_settings["sasl_plain_password"]) == ("u", "p")
    assert (of_url["sasl_plain_username"], of_url["sasl_plain_password"]) == ("v", "q@r")
    assert (of_url["sasl_mechanism"], of_url["security_protocol"]) == ("PLAIN", "SASL_PLAINTEXT")


def test_tls_checks_the_server() -> None:
    options = client_options("kafka+ssl://a", PLAIN)
    assert options["security_protocol"] == "SSL"
    assert options["ssl_context"].verify_mode == ssl.CERT_REQUIRED
    assert options["ssl_context"].check_hostname
    assert client_options("kafka+ssl://u:p@a", PLAIN)["security_protocol"] == "SASL_SSL"


def test_a_certificate_file_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SLUICE_KAFKA_CA_FILE"):
        client_options("kafka+ssl://a", KafkaSettings(kafka_ca=str(tmp_path / "missing.pem")))


def test_a_connection_that_fails_leaves_no_socket_unclosed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its warning would be an error in whatever test runs when the socket is collected."""
    monkeypatch.setattr("shared.bus.kafka_options._BOOTSTRAP_MILLISECONDS", 200)
    for url in ("kafka://127.0.0.1:1", "kafka+ssl://127.0.0.1:1"):
        with pytest.raises(BusUnavailableError):
            opened(KafkaAdminClient, **client_options(url, PLAIN))
    with warnings.catch_warnings(record=True) as left:
        warnings.simplefilter("always")
        gc.collect()
    assert not left


def test_a_cloudevent_travels_in_binary_mode() -> None:
    message = Message({"id": "1", "source": "/ü", "datacontenttype": "application/x-ndjson"}, b"{}\n")
    headers = headers_of(message)
    assert headers == [("ce_id", b"1"), ("ce_source", "/ü".encode()), ("content-type", b"application/x-ndjson")]
    assert message_of(headers, message.data) == message


def test_records_of_others_are_read_as_far_as_they_are_cloudevents() -> None:
    found = message_of([("ce_id", b"1"), ("traceparent", b"x"), ("Content-Type", b"a/b"), ("ce_x", None)], None)
    assert found == Message({"id": "1", "datacontenttype": "a/b", "x": ""}, b"")
