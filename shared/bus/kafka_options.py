"""How the Kafka clients are made: what the URL and the settings say, and nothing left behind where making one fails."""

import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import unquote

from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient
from kafka.net.inet import KafkaNetSocket

from shared.bus import BusUnavailableError
from shared.config import ConfigError, KafkaSettings

ClientT = TypeVar("ClientT")

TLS = "kafka+ssl"
_PORTS = range(1, 1 << 16)
_DEFAULT_PORT = 9092
_BOOTSTRAP_MILLISECONDS = 1_400
_RECONNECT_MILLISECONDS = 1_000
_DIRECT = "direct"  # our name for connecting without a proxy: the library looks its sockets up by scheme


class _ClosedWhenDropped:
    """A socket that closes itself: kafka-python 3.0 drops those of a connection that did not come about unclosed."""

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):  # it was never opened
            self.close()

    close: Callable[[], None]


class _Socket(_ClosedWhenDropped, socket.socket):
    pass


class _TlsSocket(_ClosedWhenDropped, ssl.SSLSocket):
    pass


class _Direct(KafkaNetSocket):  # type: ignore[misc]  # the library has no types
    """Connects as the library does, with sockets of ours."""

    SCHEMES = (_DIRECT,)

    def socket(self, family: int, kind: int, protocol: int) -> socket.socket:
        return _Socket(family, kind, protocol)


def client_options(url: str, settings: KafkaSettings) -> dict[str, Any]:
    """What every client is opened with; raises ConfigError, which never holds the URL or a password."""
    scheme, _, rest = url.partition("://")
    login, _, hosts = rest.rpartition("@")
    options: dict[str, Any] = {
        "bootstrap_servers": [_server(host) for host in hosts.rstrip("/").split(",")],
        "client_id": "sluice",
        "bootstrap_timeout_ms": _BOOTSTRAP_MILLISECONDS,
        "reconnect_backoff_max_ms": _RECONNECT_MILLISECONDS,
        "proxy_url": f"{_DIRECT}://",
    }
    user, _, password = login.partition(":")
    user, password = unquote(user) or settings.kafka_user, unquote(password) or settings.kafka_password
    if user:
        options["sasl_mechanism"] = settings.kafka_sasl
        options["sasl_plain_username"], options["sasl_plain_password"] = user, password
    if scheme == TLS:
        options["ssl_context"] = _tls(settings)
    options["security_protocol"] = f"SASL_{_PROTOCOL[scheme == TLS]}" if user else _PROTOCOL[scheme == TLS]
    return options


_PROTOCOL = {False: "PLAINTEXT", True: "SSL"}


def _server(text: str) -> str:
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        host, port = text, str(_DEFAULT_PORT)
    if not host or set("/?#") & set(text) or not port.isascii() or not port.isdigit() or int(port) not in _PORTS:
        raise ConfigError(["SLUICE_BUS_URL is not a usable Kafka URL; write kafka://host:port,host:port"])
    return f"{host}:{port}"


def _tls(settings: KafkaSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ca or None)
        context.sslsocket_class = _TlsSocket
        if settings.kafka_certificate:
            context.load_cert_chain(settings.kafka_certificate, settings.kafka_key or None)
    except (OSError, ssl.SSLError) as error:
        names = "SLUICE_KAFKA_CA_FILE, SLUICE_KAFKA_CERTIFICATE_FILE or SLUICE_KAFKA_KEY_FILE"
        raise ConfigError([f"{names} is not a usable PEM file: {error}"]) from error
    return context


def opened(kind: Callable[..., ClientT], **options: Any) -> tuple[ClientT, KafkaNetClient]:
    """A client of kafka-python and the connections it stands on; blocks until the cluster answered.

    Raises BusUnavailableError within about 1.5 s. The library leaves threads and sockets behind when that fails;
    here they are closed.
    """
    made: list[KafkaNetClient] = []

    def make(**configs: Any) -> KafkaNetClient:
        made.append(KafkaNetClient(**configs))
        return made[-1]

    done = False
    try:
        client = kind(kafka_client=make, **options)
        done = True
    except (KafkaError, OSError) as error:
        raise BusUnavailableError(f"Kafka is away: {error}") from error
    finally:
        if not done:
            for connections in made:
                connections.close()
    return client, made[0]
