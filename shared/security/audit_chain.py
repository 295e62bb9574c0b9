"""Whether an audit log is what was recorded: its chain of hashes, and signed checkpoints of how far it was.

A row's hash covers its content, its number and the row before it, so that a row cannot be edited, removed, moved or
put in without every later hash changing. Somebody who may write to the database directly could compute them all anew,
or cut the log's end off: a checkpoint says what the log was at a number, signed with a key the database does not have.
What came after the last checkpoint is covered by the next one; a checkpoint kept elsewhere (the operator's log has
each) also shows that checkpoints were removed.
"""

import hashlib
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from copy import copy
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from shared.catalog.client import Catalog, Row
from shared.clock import SYSTEM_CLOCK, Clock, to_datetime, to_micros
from shared.security.sealing import SecretSettings, sealer_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_AT_ONCE = 1_000
_END = (1 << 63) - 1
_INFO = b"sluice audit checkpoints 1"
_CONTENT = ("actor_kind", "actor_id", "actor_name", "action", "target", "project_id", "before", "after")


class Entry(msgspec.Struct, frozen=True):
    """A row of the log as it stands in the catalog."""

    organisation_id: uuid.UUID
    seq: int
    at: datetime
    actor_kind: str
    actor_id: str
    actor_name: str
    action: str
    target: str
    project_id: uuid.UUID | None
    before: str | None
    after: str | None
    request_id: str
    address: str
    previous: bytes
    hash: bytes

    def computed(self, seq: int | None = None) -> bytes:
        """The hash its content should have, at its own number or at another."""
        fields = (
            str(self.organisation_id),
            str(self.seq if seq is None else seq),
            str(to_micros(self.at)),
            *(getattr(self, name) for name in _CONTENT),
            self.request_id,
            self.address,
        )
        return hashlib.sha256(self.previous + b"".join(map(_field, fields))).digest()


class Checkpoint(msgspec.Struct, frozen=True):
    """What the log was: the hash of its row `seq` at a time, signed by the key `key_id`."""

    organisation_id: uuid.UUID
    seq: int
    hash: bytes
    at: datetime
    key_id: str
    signature: bytes

    def message(self) -> bytes:
        """What is signed."""
        return _message(self.organisation_id, self.seq, self.hash, self.at)


FaultKind = Literal["edited", "missing", "reordered", "truncated", "bad_signature", "unknown_key"]


class Fault(msgspec.Struct, frozen=True):
    """Something that is not as it was recorded, at or around the row `seq`."""

    kind: FaultKind
    seq: int
    detail: str


class Verdict(msgspec.Struct, frozen=True):
    """What was found of one log; sound where there are no faults. Rows after `checked_to` bear no signature yet."""

    organisation_id: uuid.UUID
    rows: int
    checkpoints: int
    checked_to: int
    faults: list[Fault]


class Endorsement(msgspec.Struct, frozen=True):
    """That a key signed checkpoints before, in the words of the key `endorsed_by`."""

    key_id: str
    public_key: bytes
    endorsed_by: str
    signature: bytes

    def message(self) -> bytes:
        """What is signed."""
        return f"sluice audit key\n{self.key_id}\n{self.public_key.hex()}".encode()


class Signer:
    """Signs checkpoints and knows whose signatures count.

    Those of `secret` count, those of secrets it followed (`earlier`), and those of keys that a key which counts
    endorsed: so a secret need not be kept for ever for the sake of what was signed with it.
    """

    def __init__(self, secret: str, earlier: Iterable[str] = ()) -> None:
        self._key = _private_key(secret)
        keys = [self._key, *map(_private_key, earlier)]
        self._trusted = {_key_id(key.public_key()): key.public_key() for key in keys}
        self.key_id = _key_id(self._key.public_key())

    def endorse(self) -> list[Endorsement]:
        """Every key that counts, but the own one, in the own one's words."""
        others = [(key_id, key.public_bytes_raw()) for key_id, key in self._trusted.items() if key_id != self.key_id]
        unsigned = [Endorsement(key_id, raw, self.key_id, b"") for key_id, raw in others]
        return [msgspec.structs.replace(one, signature=self._key.sign(one.message())) for one in unsigned]

    def believing(self, endorsements: Iterable[Endorsement]) -> "Signer":
        """The same signer, to whom the keys of endorsements that hold count as well."""
        found = copy(self)
        found._trusted = dict(self._trusted)  # noqa: SLF001 (its own class)
        found._believe(list(endorsements))  # noqa: SLF001 (its own class)
        return found

    def _believe(self, endorsements: list[Endorsement]) -> None:
        """Until none is left that a key which counts has signed: an endorsed key may have endorsed others."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        waiting = [one for one in endorsements if one.key_id not in self._trusted]
        for one in waiting:
            by = self._trusted.get(one.endorsed_by)
            if by is None or not _holds(by, one.signature, one.message()):
                continue
            key = Ed25519PublicKey.from_public_bytes(one.public_key)
            if _key_id(key) == one.key_id:
                self._trusted[one.key_id] = key
                self._believe(waiting)
                return

    def sign(self, organisation_id: uuid.UUID, seq: int, head: bytes, at: datetime) -> Checkpoint:
        """A checkpoint that says the log had this hash at this number."""
        signature = self._key.sign(_message(organisation_id, seq, head, at))
        return Checkpoint(organisation_id, seq, head, at, self.key_id, signature)

    def fault_of(self, checkpoint: Checkpoint) -> Fault | None:
        """What is wrong with a checkpoint's signature."""
        key = self._trusted.get(checkpoint.key_id)
        if key is None:
            return Fault("unknown_key", checkpoint.seq, f"signed with the key {checkpoint.key_id}, which is not ours")
        if not _holds(key, checkpoint.signature, checkpoint.message()):
            return Fault("bad_signature", checkpoint.seq, "the checkpoint was changed after it was signed")
        return None


def signer_of(settings: SecretSettings) -> Signer:
    """The signer of an instance; raises ConfigError as sealer_of does."""
    sealer_of(settings)
    return Signer(settings.secret_key, filter(None, [settings.earlier_secret_key]))


async def trusting(catalog: Catalog, signer: Signer) -> Signer:
    """The signer, to whom the keys that the catalog's endorsements vouch for count as well."""
    return signer.believing(Endorsement(**row) for row in await catalog.rows("audit/signers"))


async def verify(
    catalog: Catalog, organisation_id: uuid.UUID, signer: Signer, kept: Sequence[Checkpoint] = ()
) -> Verdict:
    """Read the whole log and say what is not as it was recorded; `kept` are checkpoints from elsewhere.

    Raises CatalogUnavailableError.
    """
    signer = await trusting(catalog, signer)
    found = await catalog.rows("audit/checkpoints", {"organisation_id": organisation_id})
    checkpoints = [*(_checkpoint(row) for row in found), *kept]
    faults = [fault for fault in map(signer.fault_of, checkpoints) if fault is not None]
    sound = {checkpoint.seq: checkpoint for checkpoint in checkpoints if signer.fault_of(checkpoint) is None}
    reader = _Reader(sound)
    async for entry in entries(catalog, organisation_id):
        reader.read(entry)
    [*heads] = await catalog.rows("audit/heads", {"organisation_id": organisation_id})
    head = heads[0]["seq"] if heads and heads[0]["seq"] is not None else 0
    faults += reader.end(head)
    return Verdict(organisation_id, reader.rows, len(checkpoints), max(sound, default=0), faults)


async def checkpoint(
    catalog: Catalog, organisation_id: uuid.UUID, signer: Signer, clock: Clock = SYSTEM_CLOCK
) -> Checkpoint | Verdict | None:
    """Sign how far a log is; None where nothing was added since the last checkpoint.

    Nothing is signed that is not sound: what is wrong since the last checkpoint comes back as a Verdict instead.
    """
    [*heads] = await catalog.rows("audit/heads", {"organisation_id": organisation_id})
    if not heads or (heads[0]["seq"] or 0) == heads[0]["checked_seq"]:
        return None
    signer = await trusting(catalog, signer)
    found = [_checkpoint(row) for row in await catalog.rows("audit/checkpoints", {"organisation_id": organisation_id})]
    last = [one for one in found if signer.fault_of(one) is None][-1:]
    reader = _Reader({one.seq: one for one in last}, last[0] if last else None)
    head = heads[0]["seq"] or 0
    async for entry in entries(catalog, organisation_id, after=last[0].seq if last else 0, until=head):
        reader.read(entry)
    faults = reader.end(head)
    if faults:
        return Verdict(organisation_id, reader.rows, len(found), last[0].seq if last else 0, faults)
    signed = signer.sign(organisation_id, head, reader.hash, to_datetime(clock.micros()))
    await catalog.rows("audit/checkpoint", msgspec.structs.asdict(signed))
    return signed


async def entries(
    catalog: Catalog, organisation_id: uuid.UUID, *, after: int = 0, until: int = _END
) -> AsyncIterator[Entry]:
    """The rows of a log in their order, read in pages."""
    while True:
        values = {"organisation_id": organisation_id, "after": after, "until": until, "most": _AT_ONCE}
        rows = await catalog.rows("audit/rows", values)
        for row in rows:
            yield Entry(**row)
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1]["seq"]


async def organisations(catalog: Catalog) -> list[uuid.UUID]:
    """Every organisation that has, or ought to have, a log; INSTANCE among them."""
    return [row["organisation_id"] for row in await catalog.rows("audit/heads", {"organisation_id": None})]


class _Reader:
    """Follows the chain row by row and collects what does not fit."""

    def __init__(self, checkpoints: dict[int, Checkpoint], start: Checkpoint | None = None) -> None:
        self._checkpoints = checkpoints
        self._seq = start.seq if start else 0
        self._faults: list[Fault] = []
        self._broken: list[Entry] = []
        self.hash = start.hash if start else b""
        self.rows = 0

    def read(self, entry: Entry) -> None:
        self.rows += 1
        if entry.seq != self._seq + 1:
            lost = f"{self._seq + 1}" if entry.seq == self._seq + 2 else f"{self._seq + 1} to {entry.seq - 1}"
            self._faults.append(Fault("missing", self._seq + 1, f"row {lost} was removed"))
        elif entry.previous != self.hash:
            self._faults.append(Fault("edited", entry.seq, "it does not follow from the row before it"))
        if entry.computed() != entry.hash:
            self._broken.append(entry)
        signed = self._checkpoints.get(entry.seq)
        if signed is not None and signed.hash != entry.hash:
            detail = f"the checkpoint of {signed.at.isoformat()} was signed for other rows: the log was rewritten"
            self._faults.append(Fault("edited", entry.seq, detail))
        self._seq, self.hash = entry.seq, entry.hash

    def end(self, head: int) -> list[Fault]:
        """All faults, the log's last number having been `head`."""
        ends = [number for number in (head, max(self._checkpoints, default=0)) if number > self._seq]
        if ends:
            detail = f"the log ends at {self._seq}, and went on to {max(ends)} at least"
            self._faults.append(Fault("truncated", self._seq, detail))
        elif head < self._seq:
            self._faults.append(Fault("edited", self._seq, f"the table of heads says the log ends at {head}"))
        numbers = [entry.seq for entry in self._broken]
        self._faults += [_broken(entry, numbers) for entry in self._broken]
        return sorted(self._faults, key=lambda fault: fault.seq)


def _broken(entry: Entry, numbers: Sequence[int]) -> Fault:
    for number in numbers:
        if entry.computed(number) == entry.hash:
            return Fault("reordered", entry.seq, f"it was recorded as row {number}")
    return Fault("edited", entry.seq, f"{entry.action} {entry.target}: its content is not what was recorded")


def _checkpoint(row: Row) -> Checkpoint:
    return Checkpoint(**row)


def _message(organisation_id: uuid.UUID, seq: int, head: bytes, at: datetime) -> bytes:
    return f"sluice audit checkpoint\n{organisation_id}\n{seq}\n{head.hex()}\n{to_micros(at)}".encode()


def _field(value: Any) -> bytes:
    if value is None:
        return b"-:"
    text = str(value).encode()
    return b"%d:" % len(text) + text


def _private_key(secret: str) -> "Ed25519PrivateKey":
    """The same secret always gives the same key, and one that serves nothing else."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    seed = HKDF(SHA256(), 32, None, _INFO).derive(secret.encode())
    return Ed25519PrivateKey.from_private_bytes(seed)


def _key_id(key: "Ed25519PublicKey") -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def _holds(key: "Ed25519PublicKey", signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
