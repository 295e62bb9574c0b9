from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from functions.ingest.enrich.place import NOWHERE, Place, Places, TrustedProxies, without_address
from shared.config import ConfigError
from shared.geo import CountryFileError, open_country_file

BUILT = 1_790_000_000


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        ("loopback", "198.51.100.7", "", "198.51.100.7"),
        ("loopback", "198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("loopback", "127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("loopback", "::1", "203.0.113.9", "203.0.113.9"),
        ("loopback", "", "203.0.113.9", "203.0.113.9"),
        ("loopback", "127.0.0.1", "192.0.2.66, 203.0.113.9", "203.0.113.9"),
        ("private", "10.0.0.3", "192.0.2.66, 203.0.113.9, 10.0.0.9", "203.0.113.9"),
        ("private", "10.0.0.3", "10.0.0.7, 10.0.0.9", "10.0.0.7"),
        ("198.51.100.0/24,loopback", "198.51.100.7", "203.0.113.9", "203.0.113.9"),
        ("none", "127.0.0.1", "203.0.113.9", "127.0.0.1"),
        ("loopback", "127.0.0.1", "203.0.113.9, garbage", "127.0.0.1"),
        ("loopback", "127.0.0.1", "unknown", "127.0.0.1"),
        ("1", "10.0.0.3", "192.0.2.66, 203.0.113.9", "203.0.113.9"),
        ("2", "10.0.0.3", "192.0.2.66, 203.0.113.9", "192.0.2.66"),
        ("9", "10.0.0.3", "203.0.113.9", "203.0.113.9"),
        ("0", "10.0.0.3", "203.0.113.9", "10.0.0.3"),
    ],
)
def test_forwarded_addresses_count_as_far_as_trusted_proxies_wrote_them(
    trusted: str, peer: str, forwarded: str, client: str
) -> None:
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    assert TrustedProxies(trusted).sender(headers, peer, server=False).ip == client


def test_the_sender_carries_what_the_request_says() -> None:
    sender = TrustedProxies().sender({"user-agent": "A/1", "referer": "https://a.example/"}, "192.0.2.1", server=True)
    assert sender == ("A/1", "192.0.2.1", "https://a.example/", True, None)
    assert TrustedProxies().sender({}, "", server=False) == ("", "", "", False, None)


@pytest.mark.parametrize("text", ["10.0.0.0/99", "-1", "localhost", "10.0.0.0/8;::1"])
def test_an_unusable_setting_names_itself(text: str) -> None:
    with pytest.raises(ConfigError, match="SLUICE_TRUSTED_PROXIES"):
        TrustedProxies(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("203.0.113.77:4711", "203.0.113.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1::"),
        ("[2001:db8:1:2::9]", "2001:db8:1::"),
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        ("127.0.0.1", "127.0.0.0"),
    ],
)
def test_an_address_is_truncated_to_a_24_or_48_bit_network(text: str, kept: str) -> None:
    assert Places(lambda _: "").of(text).ip == kept


@pytest.mark.parametrize(
    "text", ["", "unknown", "203.0.113", "203.0.113.256", "1" * 5_000, "203.0.113.77.example", "::g"]
)
def test_what_is_no_address_leaves_no_trace(text: str) -> None:
    assert Places(lambda _: "DE").of(text) is NOWHERE


def test_the_country_is_that_of_the_whole_address_and_stays_whatever_is_kept_of_it() -> None:
    def country(address: str) -> str:
        return "DE" if address == "8.8.8.77" else ""

    assert Places(country, "truncate").of("8.8.8.77") == Place("8.8.8.0", "DE")
    assert Places(country, "keep").of("::ffff:8.8.8.77") == Place("8.8.8.77", "DE")
    assert Places(country, "drop").of("8.8.8.77") == Place("", "DE")


def test_private_addresses_have_no_country() -> None:
    assert Places(lambda _: "DE").of("192.168.1.7") == Place("192.168.1.0", "")


def test_the_address_in_a_context_becomes_what_is_kept_of_it_and_nothing_else_changes() -> None:
    raw = b'{"a": 1.10, "ip" : "203.0.113.77", "b":{"ip":"198.51.100.1"}}'
    assert without_address(raw, "203.0.113.77", "203.0.113.0") == raw.replace(b"113.77", b"113.0")
    escaped = rb'{"ip":"203.0.113.\u0037\u0037"}'
    assert without_address(escaped, "203.0.113.77", "203.0.113.0") == b'{"ip":"203.0.113.0"}'


def test_the_bundled_registries_know_countries_and_say_how_old_they_are() -> None:
    file = open_country_file()
    found = [file.country(text) for text in ("8.8.8.8", "77.88.8.8", "2a02:6b8::1", "10.0.0.1", "", "nonsense")]
    assert found == ["US", "RU", "RU", "", "", ""]
    assert file.built is not None
    assert datetime(2026, 1, 1, tzinfo=UTC) < file.built < datetime.now(tz=UTC)


def _packed(value: object) -> bytes:
    """A value in the data format of MaxMind DB files; bytes are packed already."""
    match value:
        case bytes():
            return value
        case str():
            return bytes([2 << 5 | len(value)]) + value.encode()
        case dict():
            return bytes([7 << 5 | len(value)]) + b"".join(_packed(part) for pair in value.items() for part in pair)
    raise TypeError(value)


def _uint16(value: int) -> bytes:
    return bytes([5 << 5 | 2]) + value.to_bytes(2, "big")


def _write_mmdb(path: Path, low: dict[str, object], high: dict[str, object]) -> None:
    """A file with one node: addresses below 128.0.0.0 are `low`, the others `high`."""
    first, second = _packed(low), _packed(high)
    nodes = b"".join((1 + 16 + offset).to_bytes(3, "big") for offset in (0, len(first)))
    about: dict[str, object] = {
        "binary_format_major_version": _uint16(2),
        "binary_format_minor_version": _uint16(0),
        "build_epoch": b"\x08\x02" + BUILT.to_bytes(8, "big"),
        "database_type": "Test",
        "description": {},
        "ip_version": _uint16(4),
        "languages": b"\x00\x04",
        "node_count": bytes([6 << 5 | 4]) + (1).to_bytes(4, "big"),
        "record_size": _uint16(24),
    }
    path.write_bytes(nodes + bytes(16) + first + second + b"\xab\xcd\xefMaxMind.com" + _packed(about))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"country": {"iso_code": "DE"}}, "DE"),
        ({"registered_country": {"iso_code": "FR"}}, "FR"),
        ({"country_code": "it"}, "IT"),
        ({"country": "ES"}, "ES"),
        ({"country": "Spain", "country_code": "ES"}, "ES"),
        ({"city": {"x": "y"}}, ""),
    ],
)
def test_a_maxmind_file_is_read_whoever_made_it(tmp_path: Path, entry: dict[str, object], expected: str) -> None:
    _write_mmdb(tmp_path / "geo.mmdb", {"country": {"iso_code": "US"}}, entry)
    file = open_country_file(str(tmp_path / "geo.mmdb"))
    assert (file.country("8.8.8.8"), file.country("203.0.113.7")) == ("US", expected)
    assert (file.country("2001:db8::1"), file.country("nonsense")) == ("", "")
    assert file.built == datetime.fromtimestamp(BUILT, UTC)
    assert file.source == "Test (geo.mmdb)"


@pytest.mark.parametrize("content", [b"", b"not a database" * 100])
def test_an_unusable_file_is_refused_by_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "geo.mmdb").write_bytes(content)
    with pytest.raises(CountryFileError, match=r"geo\.mmdb"):
        open_country_file(str(tmp_path / "geo.mmdb"))
    with pytest.raises(CountryFileError, match="absent"):
        open_country_file(str(tmp_path / "absent.mmdb"))


@pytest.mark.parametrize(
    ("keep", "ip"), [(None, "8.8.8.0"), ("keep", "8.8.8.77"), ("drop", ""), ("truncate", "8.8.8.0")]
)
def test_what_a_project_keeps_of_addresses_goes_before_what_the_instance_does(keep: Any, ip: str) -> None:
    places = Places(lambda _: "DE", "truncate")
    assert places.of("8.8.8.77", keep) == Place(ip, "DE")
    assert places.of("8.8.8.77") == Place("8.8.8.0", "DE")
