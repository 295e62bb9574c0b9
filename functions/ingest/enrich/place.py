"""Who sent a request and from where: the client's address behind proxies, its country, and what is kept of it."""

import functools
import ipaddress
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import msgspec

from shared import addresses
from shared.addresses import Address, parse_address

KeepAddress = Literal["truncate", "keep", "drop"]

_REMEMBERED = 8_192
_V4_PREFIX, _V6_PREFIX = 24, 48


class Sender(NamedTuple):
    """What an HTTP request says about whoever sent it.

    `ip` is the client's own address (see `TrustedProxies.client`). `server`: a secret key was used, so a backend
    sent it and the address and the program are the backend's, unless it passes a browser's User-Agent on. `keep` is
    what the project keeps of addresses, None for what the instance does.
    """

    user_agent: str = ""
    ip: str = ""
    referer: str = ""
    server: bool = False
    keep: KeepAddress | None = None


class TrustedProxies(addresses.TrustedProxies):
    """Finds who sent a request, behind proxies."""

    def sender(self, headers: Mapping[str, str], peer: str, *, server: bool, keep: KeepAddress | None = None) -> Sender:
        """The Sender of a request with these headers (lower-case names) over a connection from `peer` ('': unknown)."""
        return Sender(
            headers.get("user-agent", ""), self.address(headers, peer), headers.get("referer", ""), server, keep
        )


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
        self.of: Callable[..., Place] = functools.lru_cache(_REMEMBERED)(self._of)

    def _of(self, text: str, keep: KeepAddress | None = None) -> Place:
        address = parse_address(text)
        if address is None:
            return NOWHERE
        country = self._country(str(address)) if address.is_global else ""
        match keep or self._keep:
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
