"""The address a request came from: the client's, as far as the proxies before us can be believed."""

import functools
import ipaddress
import re
from collections.abc import Callable, Mapping

from shared.config import ConfigError

TRUSTED_PROXIES = "Whose X-Forwarded-For counts: a number of proxies, networks (10.0.0.0/8,…), loopback, private, none."

# What a remembered header may cost, and how many hops of a chain are looked at.
_MOST_HEADER = 1_000
_MOST_ADDRESS = 100
_REMEMBERED = 8_192
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
_LOOPBACK = ("127.0.0.0/8", "::1/128")
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|([\d.]+):\d+")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class TrustedProxies:
    """Finds the client behind proxies. X-Forwarded-For counts only as far as trusted proxies wrote it.

    `text` is either how many proxies stand in front (`2`), or which addresses they have: comma-separated networks
    (`10.0.0.0/8`), `loopback`, `private` (loopback and all private networks) or `none`. Raises ConfigError else.
    """

    def __init__(self, text: str = "loopback") -> None:
        self._hops = int(text) if text.strip().isdecimal() else None
        self._networks = () if self._hops is not None else tuple(_networks(text))
        self.client: Callable[[str, str], str] = functools.lru_cache(_REMEMBERED)(self._client)

    def address(self, headers: Mapping[str, str], peer: str) -> str:
        """The client of a request with these headers (lower-case names) over a connection from `peer` ('': unknown)."""
        forwarded = headers.get("x-forwarded-for", "")
        return self.client(peer, forwarded[-_MOST_HEADER:]) if forwarded else peer

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
