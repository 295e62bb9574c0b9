"""Which addresses the outgoing client connects to; nothing here leaves the process."""

import ipaddress

import pytest

from shared.config import ConfigError
from shared.outgoing import Outgoing, OutgoingRefusedError, is_public, parse_url

PRIVATE = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.0.1
    169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255
    198.51.100.1 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 168.63.129.16 100.100.100.200
    :: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe
    64:ff9b:1::1 2001::1 2001:db8::1 2002:7f00:1:: 2002:a00:1:: fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1
    ff05::1 100::1 5f00::1 192.0.0.8 192.0.0.192 2001:1::1 2001:20::1 3fff::1
"""
PUBLIC = "1.1.1.1 8.8.8.8 93.184.216.34 172.32.0.1 100.128.0.1 ::ffff:8.8.8.8 64:ff9b::808:808 2606:4700::1111"


@pytest.mark.parametrize("address", PRIVATE.split())
def test_an_address_that_is_not_public_is_none(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC.split())
def test_a_public_address_is_one(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_",
        "//hooks.example",
        "https://",
        "https:///path",
        "https://user:password@hooks.example/",
        "https://user@hooks.example/",
        "https://hooks.example:0/",
        "https://hooks.example:99999/",
        "https://hooks.example/a b",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://0/",
        "http://1.2.3.4.5/",
        "https://hooks.example/\r\nHost: other",
        "https://[::1",
        "https://hooks.example/" + "a" * 2_000,
    ],
)
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(OutgoingRefusedError):
        parse_url(url)


def test_a_web_address_is_taken_as_it_is() -> None:
    assert str(parse_url("https://hooks.example:8443/a?b=c")) == "https://hooks.example:8443/a?b=c"


@pytest.mark.parametrize(
    ("allow", "address", "reached"),
    [
        ("", "127.0.0.1", False),
        ("127.0.0.0/8,::1", "127.0.0.1", True),
        ("127.0.0.0/8", "::ffff:127.0.0.1", True),
        ("127.0.0.0/8", "10.0.0.1", False),
        ("10.1.2.3", "10.1.2.3", True),
        (" 10.1.0.0/16 , hooks.internal", "10.1.2.3", True),
        ("fd00::/8", "fd00::1", True),
        ("hooks.internal", "10.1.2.3", False),
    ],
)
def test_the_operator_allows_networks(allow: str, address: str, *, reached: bool) -> None:
    assert Outgoing(allow)._may_reach(address) is reached


@pytest.mark.parametrize("allow", ["10.0.0.1/8", "10.0.0.0/99", "https://hooks.internal", "fe80::1::2"])
def test_a_network_that_is_none_is_a_fault_of_the_settings(allow: str) -> None:
    with pytest.raises(ConfigError, match="SLUICE_OUTGOING_ALLOW"):
        Outgoing(allow)
