"""Who sent a request and from where: the client's address behind proxies, its country, and what is kept of it."""

import functools
import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import msgspec

from shared.config import ConfigError

KeepAddress = Literal["truncate", "keep", "drop"]

# What a remembered header may cost, and how many hops of a chain are looked at.
_MOST_HEADER = 1_000
_MOST_ADDRESS = 100
_REMEMBERED = 8_192
_V4_PREFIX, _V6_PREFIX = 24, 48
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
_LOOPBACK = ("127.0.0.0/8", "::1/128")
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|([\d.]+):\d+")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Sender(NamedTuple):
    """What an HTTP request says about whoever sent it.

    `ip` is the client's own address (see `TrustedProxies.client`). `server`: a secret key was used, so a backend
    sent it and the address and the program are the backend's, unless it passes a browser's User-Agent on.
    """

    user_agent: str = ""
    ip: str = ""
    referer: str = ""
    server: bool = False


class TrustedProxies:
    """Finds the client behind proxies. X-Forwarded-For counts only as far as trusted proxies wrote it.

    `text` is either how many proxies stand in front (`2`), or which addresses they have: comma-separated networks
    (`10.0.0.0/8`), `loopback`, `private` (loopback and all private networks) or `none`. Raises ConfigError else.
    """

    def __init__(self, text: str = "loopback") -> None:
        self._hops = int(text) if text.strip().isdecimal() else None
        self._networks = () if self._hops is not None else tuple(_networks(text))
        self.client: Callable[[str, str], str] = functools.lru_cache(_REMEMBERED)(self._client)

    def sender(self, headers: Mapping[str, str], peer: str, *, server: bool) -> Sender:
        """The Sender of a request with these headers (lower-case names) over a connection from `peer` ('': unknown)."""
        forwarded = headers.get("x-forwarded-for", "")
        return Sender(
            headers.get("user-agent", ""),
            self.client(peer, forwarded[-_MOST_HEADER:]) if forwarded else peer,
            headers.get("referer", ""),
            server,
        )

    def _client(self, peer: str, forwarded: str) -> str:
        """The client's address: `peer`, or as far back in `forwarded` as the proxies can be believed."""
        chain = [peer, *(part.strip() for part in reversed(forwarded.split(",")))]
        if self._hops is not None:
            return chain[min(self._hops, len(chain) - 1)]
        client = peer
        for hop in chain:
            address = parse_address(hop)
            if address is None and hop:
                break
            client = hop
            if address is not None and not any(address in network for network in self._networks):
                break
        return client


def _networks(text: str) -> list[Network]:
    found: list[str] = []
    for part in filter(None, (part.strip().lower() for part in text.split(","))):
        match part:
            case "none":
                pass
            case "loopback":
                found += _LOOPBACK
            case "private":
                found += _LOOPBACK + _PRIVATE
            case _:
                found.append(part)
    try:
        return [ipaddress.ip_network(network, strict=False) for network in found]
    except ValueError as error:
        raise ConfigError([f"SLUICE_TRUSTED_PROXIES={text!r} is not usable: {error}"]) from error


def parse_address(text: str) -> Address | None:
    """The address in a text, with or without port, brackets and zone; IPv4 inside IPv6 as IPv4; None for no address."""
    if len(text) > _MOST_ADDRESS:
        return None
    if found := _WITH_PORT.fullmatch(text):
        text = found[1] or found[2] or ""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


class Place(NamedTuple):
    """What is kept of an address: the text to store and the country ('' where unknown)."""

    ip: str
    country: str


NOWHERE = Place("", "")


def truncated(address: Address) -> str:
    """The address without what tells a household from its neighbours: /24 of IPv4, /48 of IPv6."""
    prefix = _V4_PREFIX if isinstance(address, ipaddress.IPv4Address) else _V6_PREFIX
    return str(ipaddress.ip_network((address, prefix), strict=False).network_address)


class Places:
    """Looks addresses up: the country of the whole address, then what `keep` leaves of it."""

    def __init__(self, country: Callable[[str], str], keep: KeepAddress = "truncate") -> None:
        self._country = country
        self._keep = keep
        self.of: Callable[[str], Place] = functools.lru_cache(_REMEMBERED)(self._of)

    def _of(self, text: str) -> Place:
        address = parse_address(text)
        if address is None:
            return NOWHERE
        country = self._country(str(address)) if address.is_global else ""
        match self._keep:
            case "truncate":
                return Place(truncated(address), country)
            case "keep":
                return Place(str(address), country)
            case "drop":
                return Place("", country)


def without_address(context: bytes, sent: str, kept: str) -> bytes:
    """A context's JSON with its address `sent` replaced by what is kept of it, all other bytes as they were.

    Only where the client wrote the address with escapes the whole object is written anew.
    """
    found = context.replace(f'"{sent}"'.encode(), f'"{kept}"'.encode())
    if found != context or sent == kept:
        return found
    return msgspec.json.encode({**msgspec.json.decode(context), "ip": kept})
