"""Settings: one frozen typed object per function, parsed once; nothing else reads the environment.

A settings class is a frozen dataclass whose fields are made by `setting()`. Groups that several functions
need (the bus, the warehouse …) are classes of their own; a function's class inherits the groups it uses.
"""

import dataclasses
import os
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from shared.old_names import filled_from_old_names

SettingsT = TypeVar("SettingsT")

MASK = "********"
SECRETS_DIR = "SLUICE_SECRETS_DIR"
_SECRET_WORDS = ("PASSWORD", "SECRET", "KEY", "TOKEN", "_URL", "CERTIFICATE")


class ConfigError(Exception):
    """One or more settings are missing or malformed; the message lists every fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(["The settings are not usable:", *(f"  {fault}" for fault in faults)]))
        self.faults = faults


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is known of one environment variable: its name, its sentence and whether it is a secret."""

    name: str
    doc: str
    secret: bool
    type: Any
    default: Any
    required: bool


def setting(name: str, doc: str, *, default: Any = dataclasses.MISSING, secret: bool = False) -> Any:
    """Declare a settings field that is read from the environment variable `name`."""
    metadata = {"name": name, "doc": doc, "secret": secret}
    return dataclasses.field(default=default, metadata=metadata, repr=not secret)


def settings_of(cls: type) -> Iterator[Setting]:
    """Every setting a settings class declares, inherited ones included, in order of declaration."""
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        missing = field.default is dataclasses.MISSING
        yield Setting(
            name=field.metadata["name"],
            doc=field.metadata["doc"],
            secret=field.metadata["secret"],
            type=hints[field.name],
            default=None if missing else field.default,
            required=missing,
        )


def load(cls: type[SettingsT], environ: Mapping[str, str] | None = None) -> SettingsT:
    """Parse `environ` (the process environment by default) into `cls`; raises ConfigError naming every fault.

    An empty variable counts as unset; what is unset may be filled by a file of SLUICE_SECRETS_DIR, or by a name of
    older deployments (shared.old_names). A secret's value is never part of the message.
    """
    environ = _with_files(os.environ if environ is None else environ)
    older = filled_from_old_names(environ)
    faults: list[str] = []
    values: dict[str, Any] = {}
    for field, declared in zip(dataclasses.fields(cls), settings_of(cls), strict=True):  # type: ignore[arg-type]
        text, shown_name = environ.get(declared.name, ""), declared.name
        if text == "" and declared.name in older:
            text = older[declared.name].value
            shown_name = f"{declared.name} (from {older[declared.name].names})"
        if text == "":
            if declared.required:
                faults.append(f"{declared.name} is required: {declared.doc}")
            continue
        try:
            values[field.name] = Path(text) if declared.type is Path else _parse(text, declared.type)
        except msgspec.ValidationError as error:
            shown = MASK if declared.secret else repr(text)
            faults.append(f"{shown_name}={shown} is not usable ({error}): {declared.doc}")
    if faults:
        raise ConfigError(faults)
    return cls(**values)


def _with_files(environ: Mapping[str, str]) -> Mapping[str, str]:
    """`environ`, and beneath it a setting for each file of SLUICE_SECRETS_DIR: my-setting there is MY_SETTING.

    Platforms mount secrets as files under names that may hold no capitals and no underscores.
    """
    folder = environ.get(SECRETS_DIR, "")
    if not folder:
        return environ
    try:
        files = [path for path in Path(folder).iterdir() if path.is_file()]
        found = {path.name.upper().replace("-", "_"): path.read_text(encoding="utf-8").strip() for path in files}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{SECRETS_DIR}={folder!r} cannot be read ({type(error).__name__})"]) from error
    return {**found, **{name: value for name, value in environ.items() if value}}


def _parse(text: str, wanted: Any) -> Any:
    return msgspec.convert(text, wanted, strict=False)


def public_settings(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The `SLUICE_*` of an environment that may be shown: none that is a secret by its name, and no address."""
    found = os.environ if environ is None else environ
    return {
        name: value
        for name, value in sorted(found.items())
        if name.startswith("SLUICE_") and "://" not in value and not any(word in name for word in _SECRET_WORDS)
    }


def read_env_file(path: Path) -> dict[str, str]:
    """The assignments of a `.env` file: `NAME=value` lines, `#` comments, optional quotes; {} if absent."""
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    for raw in path.read_text(encoding="utf-8").splitlines():
        line = raw.strip().removeprefix("export ")
        name, equals, value = line.partition("=")
        if equals and not name.startswith("#"):
            found[name.strip()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """What every function needs to serve."""

    host: str = setting("SLUICE_HOST", "Address to listen on.", default="127.0.0.1")
    log_level: str = setting("SLUICE_LOG_LEVEL", "debug, info, warning or error.", default="info")
    secrets_dir: str = setting(
        SECRETS_DIR,
        "A folder of secrets mounted as files, each of which fills a setting that is unset: `sluice-catalog-url` there"
        " is SLUICE_CATALOG_URL.",
        default="",
    )


BUS_URL = (
    "The event bus: Kafka (kafka://host:port,host:port or kafka+ssl://…) or Valkey or Redis Streams "
    "(redis://…, rediss://… or unix://…)."
)
WAREHOUSE_URL = (
    "The ClickHouse HTTP interface, with login and database: http(s)://user:password@host:port/database. With"
    " ?cluster=NAME at its end tables are replicated on that cluster, which has one shard."
)
CATALOG_URL = "PostgreSQL: postgresql://user:password@host:port/database."
CACHE_URL = "The cache, Valkey or Redis: redis://…, rediss://… or unix://…. What it holds may be lost at any time."
WORK_URL = (
    "Where the edge and the emulated sources find the other functions; unset means this machine's SLUICE_WORK_PORT."
    " With {service} in it, as in http://{service}:8080, each function has an address of its own."
)
PUBLIC_URL = "What people reach this instance by, https://analytics.example; links begin with it."
SMTP_URL = (
    "The mail server: smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465; file:///folder"
    " keeps mails as .eml files instead. `task up` keeps them in SLUICE_DATA/mails and shows them at /dev/mails."
)
OUTGOING_ALLOW = (
    "Hosts, addresses and networks that webhooks may reach although they are not public, separated by commas:"
    " hooks.internal,10.20.0.0/16. `task up` on the loopback allows the loopback."
)
DATA = "Folder of everything the embedded runtime keeps."
OBJECTS_URL = (
    "Where files go: s3://key:secret@bucket/prefix?endpoint=…&region=…, or file:///folder; empty means the folder"
    " `objects` in SLUICE_DATA."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class KafkaSettings:
    """How to reach Kafka and what its topics are made like; without meaning for another bus."""

    kafka_user: str = setting("SLUICE_KAFKA_USER", "Login of Kafka, where it asks for one (SASL).", default="")
    kafka_password: str = setting("SLUICE_KAFKA_PASSWORD", "Password of that login.", default="", secret=True)
    kafka_sasl: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = setting(
        "SLUICE_KAFKA_SASL", "How the login is proven: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.", default="SCRAM-SHA-512"
    )
    kafka_ca: str = setting(
        "SLUICE_KAFKA_CA_FILE", "Certificates (PEM) that kafka+ssl:// trusts; unset means the system's.", default=""
    )
    kafka_certificate: str = setting(
        "SLUICE_KAFKA_CERTIFICATE_FILE", "Our certificate (PEM), where Kafka asks for one.", default=""
    )
    kafka_key: str = setting("SLUICE_KAFKA_KEY_FILE", "The key (PEM) of our certificate.", default="")
    kafka_partitions: int = setting("SLUICE_KAFKA_PARTITIONS", "Partitions of a topic that is made.", default=6)
    kafka_replication: int = setting(
        "SLUICE_KAFKA_REPLICATION", "Copies of a topic that is made; 0 means the broker's default.", default=0
    )
    kafka_retention: int = setting(
        "SLUICE_KAFKA_RETENTION_HOURS", "How long a topic that is made keeps its records.", default=168
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class BusSettings(KafkaSettings):
    bus_url: str = setting("SLUICE_BUS_URL", BUS_URL, secret=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class WarehouseSettings:
    warehouse_url: str = setting("SLUICE_WAREHOUSE_URL", WAREHOUSE_URL, secret=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CatalogSettings:
    catalog_url: str = setting("SLUICE_CATALOG_URL", CATALOG_URL, secret=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ObjectsSettings:
    objects_url: str = setting("SLUICE_OBJECTS_URL", OBJECTS_URL, default="", secret=True)
    data: Path = setting("SLUICE_DATA", DATA, default=Path(".sluice"))
    public_url: str = setting(
        "SLUICE_PUBLIC_URL",
        PUBLIC_URL,
        default="",
    )

    @property
    def objects(self) -> str:
        """The URL of the storage, the embedded one by default."""
        return self.objects_url or (self.data.resolve() / "objects").as_uri()


@dataclasses.dataclass(frozen=True, kw_only=True)
class CacheSettings:
    cache_url: str = setting("SLUICE_CACHE_URL", CACHE_URL, secret=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class OutgoingSettings:
    outgoing_allow: str = setting("SLUICE_OUTGOING_ALLOW", OUTGOING_ALLOW, default="")
