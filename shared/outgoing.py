"""The one HTTP client for addresses that people gave us: it reaches the public internet and what the operator allowed.

Every connection passes `_socket`, whatever the address was written as and whatever DNS answered a moment before: the
socket is made for the very address that was looked at, so a name cannot point elsewhere in between. Redirects are
answers like any other, proxies of the environment are not used, times and sizes are bounded.
"""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from shared.config import ConfigError

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver
    from yarl import URL

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 15.0
MOST_ANSWER_BYTES = 4 * 1024
MOST_URL = 2_000
_RESOLVE_SECONDS = 2.0
_MOST_CONNECTIONS = 64
_KEPT_SECONDS = 15.0
_SCHEMES = ("https", "http")

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# What `ipaddress` calls global, here or in an older Python, and nobody outside should reach through us: 6to4 relays,
# Azure's host of a machine, protocol assignments (Oracle's metadata is at 192.0.0.192), addresses for documentation.
_NOT_PUBLIC: tuple[_Network, ...] = (
    ipaddress.IPv4Network("192.88.99.0/24"),
    ipaddress.IPv4Network("168.63.129.16/32"),
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv6Network("2001::/23"),
    ipaddress.IPv6Network("3fff::/20"),
)
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_6TO4 = ipaddress.IPv6Network("2002::/16")


class OutgoingRefusedError(Exception):
    """The address is not one we connect to; the message says why, and what the operator can do."""


class OutgoingFailedError(Exception):
    """Nobody answered, or not in time, or not in HTTP."""


class Answer(msgspec.Struct, frozen=True):
    """What came back: `body` is its first bytes, `location` where a redirect points, which is not followed."""

    status: int
    body: bytes
    location: str = ""
    retry_after: str = ""


class Outgoing:
    """Sends requests to addresses of others. Safe for concurrent use within one event loop.

    `allow` names, separated by commas, hosts and networks that may be reached although they are not public. Raises
    ConfigError where it is not usable.
    """

    def __init__(
        self, allow: str = "", *, seconds: float = ANSWER_SECONDS, resolver: "AbstractResolver | None" = None
    ) -> None:
        self._hosts, self._networks = _parsed(allow)
        self._seconds = seconds
        self._resolver = resolver
        self._sessions: dict[bool, Any] = {}

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """POST `body`; any HTTP status is an answer. Raises OutgoingRefusedError, OutgoingFailedError."""
        import aiohttp

        address = parse_url(url)
        session = self._session(trusted=_name(address) in self._hosts)
        try:
            async with session.post(address, data=body, headers=headers, allow_redirects=False) as answer:
                found = answer.headers
                return Answer(
                    answer.status,
                    await _beginning(answer.content),
                    found.get("location", "")[:MOST_URL],
                    found.get("retry-after", ""),
                )
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, _RefusedAddressError):
                raise OutgoingRefusedError(_not_public(_name(address))) from None
            raise OutgoingFailedError(f"no connection: {_plain(error.os_error)}") from error
        except TimeoutError as error:
            raise OutgoingFailedError(f"no answer within {self._seconds:g} seconds") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: what is no HTTP at all
            raise OutgoingFailedError(f"no usable answer: {_plain(error)}") from error

    async def check(self, url: str) -> None:
        """Refuse early what `post` would refuse; a name that is not known now may be known when it is posted to."""
        address = parse_url(url)
        host = _name(address)
        if host in self._hosts:
            return
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS):
                found = await loop.getaddrinfo(host, address.port, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError, UnicodeError):
            return
        if not any(self._may_reach(str(entry[4][0])) for entry in found):
            raise OutgoingRefusedError(_not_public(host))

    async def close(self) -> None:
        """Close the connections that were kept."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    def _session(self, *, trusted: bool) -> Any:
        """The connections to what is public, or those to hosts the operator named, kept apart."""
        import aiohttp

        if trusted not in self._sessions:
            connector = aiohttp.TCPConnector(
                limit=_MOST_CONNECTIONS,
                keepalive_timeout=_KEPT_SECONDS,
                use_dns_cache=False,
                resolver=self._resolver,
                socket_factory=None if trusted else self._socket,
            )
            self._sessions[trusted] = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=self._seconds, sock_connect=CONNECT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # a small body must not become a large one
                trust_env=False,
            )
        return self._sessions[trusted]

    def _socket(self, found: Any) -> socket.socket:
        """The socket for an address, if it may be reached; called for each one before it is connected to."""
        family, kind, protocol, _, address = found
        if not self._may_reach(address[0]):
            raise _RefusedAddressError
        return socket.socket(family, kind, protocol)

    def _may_reach(self, text: str) -> bool:
        address = ipaddress.ip_address(text.partition("%")[0])
        return is_public(address) or any(_inner(address) in network for network in self._networks)


class _RefusedAddressError(OSError):
    """Always with the same words: of several equal errors the client keeps the first, and with it the type."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, "not a public address")


def is_public(address: _Address) -> bool:
    """Whether an address is one of the public internet, that inside of an IPv6 address that carries an IPv4 one."""
    inner = _inner(address)
    if isinstance(inner, ipaddress.IPv6Address) and (inner not in _GLOBAL_UNICAST or inner in _6TO4):
        return False
    special = inner.is_multicast or inner.is_reserved or inner.is_loopback or inner.is_link_local
    return inner.is_global and not special and not any(inner in network for network in _NOT_PUBLIC)


def _inner(address: _Address) -> _Address:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def parse_url(url: str) -> "URL":
    """An absolute http or https URL without user and password; raises OutgoingRefusedError naming what is wrong."""
    from yarl import URL

    if len(url) > MOST_URL:
        raise OutgoingRefusedError(f"the URL is longer than {MOST_URL} characters")
    if not url.isprintable() or " " in url:
        raise OutgoingRefusedError("the URL has spaces or control characters")
    try:
        parsed = URL(url)
        port = parsed.port
    except ValueError as error:
        raise OutgoingRefusedError(f"it is not a URL: {error}") from error
    if parsed.scheme not in _SCHEMES or not parsed.host or not port:
        raise OutgoingRefusedError("it must begin with https:// or http:// and a host")
    last = _name(parsed).rpartition(".")[2]
    if (last.isdecimal() or last.startswith("0x")) and not _is_address(_name(parsed)):
        raise OutgoingRefusedError("write an IPv4 address as four decimal numbers")
    if parsed.user is not None or parsed.password is not None:
        raise OutgoingRefusedError("user and password in a URL are not sent; leave them out")
    return parsed


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _name(address: "URL") -> str:
    return (address.host or "").lower().rstrip(".")


def _not_public(host: str) -> str:
    return (
        f"{host} is no public address (private, loopback, link-local and the like are not connected to); the operator "
        "can allow it with SLUICE_OUTGOING_ALLOW"
    )


def _parsed(allow: str) -> tuple[frozenset[str], list[_Network]]:
    hosts, networks = set(), []
    for entry in filter(None, (part.strip().lower() for part in allow.split(","))):
        try:
            networks.append(ipaddress.ip_network(entry))
        except ValueError as error:
            if "/" in entry or ":" in entry:
                fault = f"SLUICE_OUTGOING_ALLOW: {entry!r} is neither a host, an address nor a network ({error})"
                raise ConfigError([fault]) from error
            hosts.add(entry.rstrip("."))
    return frozenset(hosts), networks


async def _beginning(content: Any) -> bytes:
    """The first bytes of an answer; the connection of a longer one is closed, not read to its end."""
    parts, total = [], 0
    while total < MOST_ANSWER_BYTES and (part := await content.read(MOST_ANSWER_BYTES - total)):
        parts.append(part)
        total += len(part)
    return b"".join(parts)


def _plain(error: BaseException) -> str:
    """An error in one bounded line."""
    return (" ".join(str(error).split()) or type(error).__name__)[:300]
