"""Which country an address belongs to, from a file on this machine: no address ever leaves it.

Two sources. Without a setting the tables of the five Regional Internet Registries, which the package `iptocc` carries:
they say where a block of addresses was registered. With SLUICE_GEO_FILE a MaxMind DB file (MaxMind GeoLite2 and
GeoIP2, DB-IP, IPinfo), which says where it is used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from shared.config import setting

BUNDLED = "iptocc"
_BUNDLED_BUILD = "sboms/iptocc-py.cyclonedx.json"
_CODE_LETTERS = 2


@dataclass(frozen=True, kw_only=True)
class GeoSettings:
    """Where countries are looked up."""

    geo_file: str = setting(
        "SLUICE_GEO_FILE",
        "A MaxMind DB file (.mmdb) for countries: GeoLite2, GeoIP2, DB-IP, IPinfo. Unset: the registries' tables.",
        default="",
    )


class CountryFileError(Exception):
    """There is no usable country file; the message says which one, and what to do."""


class CountryFile(msgspec.Struct, frozen=True):
    """An opened country file.

    `country` takes an address as text and gives its ISO 3166-1 alpha-2 code, '' where it is unknown, private or no
    address at all. `built` is when the file's data was put together, None where the file does not say.
    """

    source: str
    built: datetime | None
    country: Callable[[str], str]


def open_country_file(path: str = "") -> CountryFile:
    """The country file at `path`, else the bundled one; raises CountryFileError where it cannot be used.

    A file that changes is read again only by another call.
    """
    return _mmdb(Path(path)) if path else _bundled()


def _bundled() -> CountryFile:
    try:
        from iptocc import country_code
    except ImportError as error:
        raise CountryFileError(f"the package {BUNDLED} cannot be loaded ({error}): install it again") from error

    return CountryFile(f"registries ({BUNDLED})", _bundled_build(), lambda address: country_code(address) or "")


class _Metadata(msgspec.Struct):
    timestamp: datetime


class _Build(msgspec.Struct):
    metadata: _Metadata


def _bundled_build() -> datetime | None:
    """The package is built nightly together with the registries' tables; its list of parts says when."""
    from importlib.metadata import distribution

    text = distribution(BUNDLED).read_text(_BUNDLED_BUILD)
    try:
        return msgspec.json.decode(text, type=_Build).metadata.timestamp if text else None
    except msgspec.MsgspecError:
        return None


def _mmdb(path: Path) -> CountryFile:
    import maxminddb

    try:
        reader = maxminddb.open_database(str(path))
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise CountryFileError(f"SLUICE_GEO_FILE={path} cannot be read ({error}): give a .mmdb file") from error

    def country(address: str) -> str:
        try:
            return _code(reader.get(address))
        except (ValueError, maxminddb.InvalidDatabaseError):
            return ""

    about = reader.metadata()
    return CountryFile(f"{about.database_type} ({path.name})", datetime.fromtimestamp(about.build_epoch, UTC), country)


def _code(entry: Any) -> str:
    """The country of one entry: each maker of such files has its own shape."""
    if not isinstance(entry, dict):
        return ""
    found = entry.get("country") or entry.get("registered_country")
    if isinstance(found, dict):
        found = found.get("iso_code")
    for code in (entry.get("country_code"), found):
        if isinstance(code, str) and len(code) == _CODE_LETTERS:
            return code.upper()
    return ""
