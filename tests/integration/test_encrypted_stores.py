"""What the chart tells functions of TLS (docs/encryption.md): each client trusts our CA so, and nobody without it.

Real PostgreSQL and Valkey stand behind a door that speaks TLS with a certificate of a CA of the test's own; of the
warehouse and the objects only the door is there, and notes whether a request came through. Kafka itself is in
test_kafka_login.
"""

import contextlib
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.bus.kafka_options import client_options
from shared.cache import CacheUnavailableError
from shared.cache.valkey import ValkeyCache
from shared.catalog.client import Catalog, CatalogUnavailableError
from shared.config import KafkaSettings
from shared.objects import ObjectsUnavailableError
from shared.objects.s3 import S3Objects
from shared.refusals import UnavailableError
from shared.warehouse.client import Warehouse

# What libpq asks before it speaks TLS, and the answer that it may.
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
LIBPQ_YES = b"S"


class Door:
    """Takes TLS connections on a port of its own and passes on what is in them to a unix socket, if any."""

    def __init__(self, folder: Path, upstream: Path | None = None) -> None:
        self.came_through: list[bytes] = []
        self._upstream = upstream
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "server.pem")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=5)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                plain, _ = self._listener.accept()
                threading.Thread(target=self._take, args=(plain,), daemon=True).start()

    def _take(self, plain: socket.socket) -> None:
        with plain, contextlib.suppress(OSError):
            plain.settimeout(5)
            if plain.recv(len(SSL_REQUEST), socket.MSG_PEEK) == SSL_REQUEST:
                plain.recv(len(SSL_REQUEST))
                plain.sendall(LIBPQ_YES)
            with self._context.wrap_socket(plain, server_side=True) as inside:
                first = inside.recv(65_536)
                if first:
                    self.came_through.append(first)
                if first and self._upstream is not None:
                    self._pass_on(inside, first)

    def _pass_on(self, inside: ssl.SSLSocket, first: bytes) -> None:
        with socket.socket(socket.AF_UNIX) as upstream:
            upstream.connect(str(self._upstream))
            upstream.sendall(first)
            back = threading.Thread(target=_copy, args=(upstream, inside), daemon=True)
            back.start()
            _copy(inside, upstream)
            back.join(timeout=5)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.crt, and a certificate of that CA for localhost in server.pem."""
    folder = tmp_path_factory.mktemp("tls")
    now = dt.datetime.now(tz=dt.UTC)
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ca", "server")}
    names = {name: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in keys}
    made = {}
    for name, key in keys.items():
        builder = x509.CertificateBuilder(names["ca"], names[name], key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(keys["ca"].public_key())
        builder = builder.add_extension(authority, critical=False)
        if name == "server":
            alternative = x509.SubjectAlternativeName([x509.DNSName("localhost")])
            builder = builder.add_extension(alternative, critical=False)
        made[name] = builder.sign(keys["ca"], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    pem = keys["server"].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "ca.crt").write_bytes(made["ca"])
    (folder / "server.pem").write_bytes(pem + made["server"])
    return folder


@contextlib.contextmanager
def door(folder: Path, upstream: Path | None = None) -> Iterator[Door]:
    opened = Door(folder, upstream)
    yield opened
    opened.close()


@pytest.fixture
def trusted(tls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the chart sets where `tls.enabled`."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls / "ca.crt"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tls / "ca.crt"))


async def test_the_catalog_is_asked_over_tls_that_is_verified(catalog_url: str, tls: Path) -> None:
    socket_folder = parse_qs(urlsplit(catalog_url).query)["host"][0]
    with door(tls, Path(socket_folder) / ".s.PGSQL.5432") as opened:
        url = f"postgresql://sluice@localhost:{opened.port}{urlsplit(catalog_url).path}?sslmode=verify-full"
        catalog = Catalog(f"{url}&sslrootcert={tls}/ca.crt")
        assert await catalog.rows("catalog_clock") is not None
        await catalog.close()
        assert opened.came_through
        stranger = Catalog(url + "&sslrootcert=system")
        with pytest.raises(CatalogUnavailableError):
            await stranger.rows("catalog_clock")
        await stranger.close()


@pytest.mark.usefixtures("trusted")
async def test_the_cache_is_asked_over_tls_that_is_verified(login_cache_url: str, tls: Path) -> None:
    with door(tls, Path(urlsplit(login_cache_url).path)) as opened:
        cache = ValkeyCache(f"rediss://localhost:{opened.port}/0")
        await cache.windows("p", 1, 1, 1)
        await cache.close()
        assert opened.came_through


async def test_a_cache_whose_ca_is_not_ours_is_not_asked(tls: Path) -> None:
    with door(tls) as opened:
        cache = ValkeyCache(f"rediss://localhost:{opened.port}/0")
        with pytest.raises(CacheUnavailableError):
            await cache.windows("p", 1, 1, 1)
        await cache.close()
        assert opened.came_through == []


@pytest.mark.usefixtures("trusted")
async def test_the_warehouse_is_asked_over_tls_that_is_verified(tls: Path) -> None:
    with door(tls) as opened:
        warehouse = Warehouse(f"https://sluice:x@localhost:{opened.port}/analytics", timeout_seconds=3)
        with pytest.raises(UnavailableError):  # nobody answers behind the door
            await warehouse.query("SELECT 1")
        await warehouse.close()
        assert opened.came_through[0].startswith(b"POST /")


async def test_a_warehouse_whose_ca_is_not_ours_is_not_asked(tls: Path) -> None:
    with door(tls) as opened:
        warehouse = Warehouse(f"https://sluice:x@localhost:{opened.port}/analytics", timeout_seconds=3)
        with pytest.raises(UnavailableError):
            await warehouse.query("SELECT 1")
        await warehouse.close()
        assert opened.came_through == []


@pytest.mark.usefixtures("trusted")
def test_objects_are_asked_for_over_tls_that_is_verified(tls: Path) -> None:
    with door(tls) as opened:
        objects = S3Objects(f"s3://key:secret@sluice/?endpoint=https://localhost:{opened.port}")
        with pytest.raises(ObjectsUnavailableError):
            objects.size("x")
        assert opened.came_through[0].startswith(b"HEAD /sluice/x")


def test_objects_of_a_server_whose_ca_is_not_ours_are_not_asked_for(tls: Path) -> None:
    with door(tls) as opened:
        objects = S3Objects(f"s3://key:secret@sluice/?endpoint=https://localhost:{opened.port}")
        with pytest.raises(ObjectsUnavailableError):
            objects.size("x")
        assert opened.came_through == []


@pytest.mark.usefixtures("trusted")
def test_kafka_is_trusted_by_our_ca(tls: Path) -> None:
    context = client_options("kafka+ssl://localhost:9093", KafkaSettings())["ssl_context"]
    ours = ssl.PEM_cert_to_DER_cert((tls / "ca.crt").read_text(encoding="utf-8"))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert ours in context.get_ca_certs(binary_form=True)


def test_public_servers_are_trusted_beside_our_ca(tls: Path, trusted: None) -> None:
    """SSL_CERT_FILE takes the place of the system's file, not of its folder, where Debian keeps the public ones."""
    del trusted
    paths = ssl.get_default_verify_paths()
    assert paths.cafile == str(tls / "ca.crt")
    assert paths.capath
    assert any(Path(paths.capath).iterdir())
