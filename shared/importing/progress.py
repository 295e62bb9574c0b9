"""How far an import got: its totals, and what it remembers between two runs."""

import contextlib
import hashlib
import time
from pathlib import Path

import msgspec

EXAMPLES_PER_REASON = 3
_SAVE_EVERY_SECONDS = 1.0


class RefusedRow(msgspec.Struct, frozen=True):
    """A row that did not become an event: where it stands, why, and (for the rejects file) what it says."""

    file: str
    row: int
    reason: str
    detail: str
    line: str


class Totals(msgspec.Struct):
    """How far an import got: `rows` = accepted + refused + lost, where lost ones got no final answer.

    `found` are those of our fields that some row had.
    """

    rows: int = 0
    accepted: int = 0
    refused: int = 0
    reasons: dict[str, int] = msgspec.field(default_factory=dict)
    examples: dict[str, list[RefusedRow]] = msgspec.field(default_factory=dict)
    found: set[str] = msgspec.field(default_factory=set)

    @property
    def lost(self) -> int:
        return self.rows - self.accepted - self.refused

    def refuse(self, row: RefusedRow) -> None:
        self.refused += 1
        self.reasons[row.reason] = self.reasons.get(row.reason, 0) + 1
        examples = self.examples.setdefault(row.reason, [])
        if len(examples) < EXAMPLES_PER_REASON:
            examples.append(row)

    def add(self, other: "Totals") -> None:
        """Count what another run (or part of one) counted."""
        self.rows += other.rows
        self.accepted += other.accepted
        self.refused += other.refused
        self.found |= other.found
        for reason, count in other.reasons.items():
            self.reasons[reason] = self.reasons.get(reason, 0) + count
        for reason, rows in other.examples.items():
            known = self.examples.setdefault(reason, [])
            known.extend(rows[: EXAMPLES_PER_REASON - len(known)])


class Checkpoint(msgspec.Struct):
    """The beginning of a file that has its final answer, and the receipt of its last accepted events."""

    file: str
    totals: Totals
    receipt: str = ""


class Memory:
    """Keeps the checkpoint of one file's import while it lasts, in a small file of `folder`.

    Without a folder, or where it cannot be written, nothing is remembered: the import works the same and a
    repetition of it begins at the first row.
    """

    def __init__(self, folder: Path | None, *identity: str) -> None:
        name = hashlib.sha256("\0".join(identity).encode()).hexdigest()[:32]
        self._path = folder / f"{name}.json" if folder is not None else None
        self._saved_at = time.monotonic()

    def recall(self) -> Checkpoint | None:
        """What the last run left; None where there is nothing to use."""
        if self._path is None:
            return None
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Checkpoint)
        except (OSError, msgspec.MsgspecError):
            return None

    def keep(self, checkpoint: Checkpoint, *, now: bool = False) -> None:
        """Remember it, at most once a second unless `now`."""
        if (
            self._path is None
            or not checkpoint.receipt
            or (not now and time.monotonic() - self._saved_at < _SAVE_EVERY_SECONDS)
        ):
            return
        self._saved_at = time.monotonic()
        fresh = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh.touch(mode=0o600)  # it quotes refused rows
            fresh.write_bytes(msgspec.json.encode(checkpoint))
            fresh.replace(self._path)
        except OSError:
            self._path = None

    def forget(self) -> None:
        """The import is complete, or begins anew."""
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self._path.parent.rmdir()  # only where it is empty
