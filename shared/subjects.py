"""Whom a job is about, while it works: sealed beside the job, forgotten with its end.

A job's own row is shown and kept; it says how many people and never who. What is sealed opens with the instance's
secret only, so no file of the catalog, no log of it and no copy names anybody.
"""

import uuid
from collections.abc import Iterable

import msgspec

from shared.catalog.client import Catalog
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.security.sealing import SealedError, Sealer

MOST_IDENTIFIER = 512  # what ingest takes of one
_KINDS = ("u:", "a:")


class Subject(msgspec.Struct):
    """People by their user keys, each with the person they are an id of.

    `whole`: links were followed, and these are all ids. `salt`: what names made up for them follow from.
    """

    people: dict[str, str]
    whole: bool = False
    salt: str = ""

    @property
    def keys(self) -> list[str]:
        """All ids, in order."""
        return sorted(self.people)


class Subjects:
    """The subjects of jobs of one kind. Every call raises CatalogUnavailableError where the catalog is away."""

    def __init__(self, catalog: Catalog, sealer: Sealer, kind: str) -> None:
        self._catalog = catalog
        self._sealer = sealer
        self._kind = kind

    async def keep(self, project_id: uuid.UUID, job_key: str, subject: Subject) -> None:
        """Keep whom a job will be about; what its key has already stays."""
        await self._write("keep_erasure_subjects", project_id, job_key, subject)

    async def replace(self, project_id: uuid.UUID, job_key: str, subject: Subject) -> None:
        """Keep more than was known."""
        await self._write("replace_erasure_subjects", project_id, job_key, subject)

    async def find(self, project_id: uuid.UUID, job_key: str) -> Subject | None:
        """Whom a job is about; None once that is forgotten. Raises UnavailableError where it does not open."""
        rows = await self._catalog.rows("find_erasure_subjects", self._place(project_id, job_key))
        if not rows:
            return None
        if rows[0]["sealed"] is None:
            people = msgspec.json.decode(rows[0]["people"], type=list[str])
            return Subject({one: one for one in people}, whole=True)
        try:
            clear = self._sealer.open(bytes(rows[0]["sealed"]), self._context(project_id, job_key))
        except SealedError as error:
            raise UnavailableError(f"whom a job is about does not open: {error}") from error
        return msgspec.json.decode(clear, type=Subject)

    async def forget(self, project_id: uuid.UUID, job_key: str) -> None:
        """Forget whom a job was about; harmless to repeat."""
        await self._catalog.rows("forget_erasure_subjects", self._place(project_id, job_key))

    async def _write(self, query: str, project_id: uuid.UUID, job_key: str, subject: Subject) -> None:
        sealed = self._sealer.seal(msgspec.json.encode(subject), self._context(project_id, job_key))
        await self._catalog.rows(query, {**self._place(project_id, job_key), "sealed": sealed})

    def _place(self, project_id: uuid.UUID, job_key: str) -> dict[str, object]:
        return {"project_id": project_id, "kind": self._kind, "job_key": job_key}

    def _context(self, project_id: uuid.UUID, job_key: str) -> str:
        return f"subject of {self._kind} {project_id} {job_key}"


def split(people: Iterable[str]) -> tuple[list[str], list[str]]:
    """The ids of known and of unknown people."""
    users: list[str] = []
    anonymous: list[str] = []
    for person in people:
        (users if person.startswith(_KINDS[0]) else anonymous).append(person[2:])
    return users, anonymous


def checked_key(field: str, key: str) -> str:
    """A user key as somebody wrote it; refuses what is none (`bad_value`) and what no id can be (`bad_text`)."""
    if not key.startswith(_KINDS) or not 1 <= len(key) - 2 <= MOST_IDENTIFIER:
        raise Rejected(
            Refusal.BAD_VALUE, f"`{field}` is {key[:80]!r}: write u:<user_id> for a known person, else a:<anonymous_id>"
        )
    if "\0" in key or not encodable(key):
        raise Rejected(Refusal.BAD_TEXT, f"an id of `{field}`")
    return key


def encodable(text: str) -> bool:
    """Whether a text can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
