"""An erasure as a job: from a checkpoint, in an order that no crash turns into a half-erased person called erased.

First the people are noted as erased, in the catalog and then where batch_write reads it. Then the hours and partitions
of their rows are written to the job, the rows are deleted by what no repeat escapes, and the hour ledger is told. That
is repeated until a look, made after every write that was under way when people were noted must have ended, finds
nobody. Then copies elsewhere go, the partitions are rewritten, and when the parts before are gone the certificate is
signed.
"""

import asyncio
import math
import secrets
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec
import structlog

from functions.gdpr_delete.anonymise import count_anonymous, keep_anonymous
from functions.gdpr_delete.asked import Kept
from functions.gdpr_delete.certificate import TYPE, Bus, Certificate, Disk, Store, backups_of, plain
from functions.gdpr_delete.copies import Copies, Shelves, Who
from functions.gdpr_delete.looking import Found, Looking, Place
from shared.bus.forgetting import forget_stored, kept_hours
from shared.catalog.client import Catalog
from shared.catalog.holds import held_people
from shared.catalog.people import keep_erased, person_hash, person_key
from shared.clock import Clock, to_datetime
from shared.config import BusSettings
from shared.failpoints import reach
from shared.identity import note
from shared.jobs import Job
from shared.jobs.worker import Lease
from shared.query.answers import Remembering
from shared.query.ask import Asker
from shared.query.relatives import everybody
from shared.refusals import Refusal, Rejected
from shared.security.certificates import CertificateSigner
from shared.subjects import Subject, Subjects
from shared.tombstones import Blocked, publish
from shared.warehouse.client import Warehouse
from shared.warehouse.deletion import Count, Table, delete_rows, note_hours
from shared.warehouse.rewriting import Parts, left_of, parts_of, rewrite

log = structlog.get_logger()

KIND = "erasure"
_WAIT_SECONDS = 0.5
# How often a part that is still in use is rewritten once more.
_AGAIN_SECONDS = 10.0
_SALT_BYTES = 32

Stage = Literal["rows", "copies", "disk"]
_PROGRESS: dict[Stage, float] = {"rows": 0.3, "copies": 0.7, "disk": 0.8}


class Checkpoint(msgspec.Struct):
    """How far an erasure is; times are microseconds.

    `pending`: the place whose rows were counted last and are being deleted; `hours` (seconds from 1970) are not in the
    ledger yet.
    """

    stage: Stage = "rows"
    noted_at: int = 0
    hidden_at: int = 0
    verified_at: int = 0
    rewritten_at: int = 0
    pending: str = ""
    hours: list[int] = []
    touched: list[int] = []
    found: Count = Count()
    stores: dict[str, int] = {}
    anonymised: int = 0
    partitions: dict[Table, list[str]] = {}
    parts: Parts = {}
    passes: int = 0
    copies: Copies | None = None


class Result(msgspec.Struct, frozen=True):
    """What was erased and what is left, by the counts of `verified_at`; `left` is zero or the job is not completed.

    `events` of a count is each event once, `rows` with all its repeats, as the warehouse keeps some for a while.
    """

    people: int
    found: Count
    left: Count
    rejected: int
    rejected_left: int
    hours: int
    passes: int
    verified_at: datetime
    certificate: dict[str, Any]


class Limits(NamedTuple):
    """Seconds that one event is worked on, and after which a write that was under way must have ended.

    `disk_seconds`: for how long replaced parts are waited for; then the certificate names them.
    """

    slice_seconds: float
    settle_seconds: float
    disk_seconds: float


class Tools(NamedTuple):
    """What an erasure works with."""

    warehouse: Warehouse
    catalog: Catalog
    subjects: Subjects
    shelves: Shelves
    signer: CertificateSigner
    looking: Looking
    bus: BusSettings
    clock: Clock


class Eraser:
    """The work of erasure jobs."""

    def __init__(self, tools: Tools, limits: Limits) -> None:
        self._tools = tools
        self._limits = limits

    async def step(self, job: Job, lease: Lease) -> bytes | None:
        """Work until the certificate is there, or the time of one event is over."""
        work = await _Erasure.begun(job, lease, self._tools, self._limits)
        until = self._tools.clock.monotonic() + self._limits.slice_seconds
        while True:
            if await work.go_on():
                return await work.result()
            if self._tools.clock.monotonic() >= until:
                # To have waited is progress: it does not use the attempts up.
                await work.save()
                return None
            if work.waits:
                await asyncio.sleep(_WAIT_SECONDS)
                lease.check()

    async def clean(self, job: Job) -> None:
        """What is erased stays erased; there is nothing to take back."""

    async def forget(self, job: Job) -> None:
        """Forget whom a finished job was about: from now on only hashes say it."""
        await self._tools.subjects.forget(job.project_id, job.key)

    def told(self, job: Job) -> dict[str, Any]:
        """What the completed event says; no person is named in it."""
        result = msgspec.json.decode(job.result, type=Result) if job.result else None
        return {
            "job_id": job.id,
            "project_id": job.project_id,
            "state": job.state,
            "people": msgspec.json.decode(job.request, type=Kept).people,
            "events": result.found.events if result else None,
            "rejected": result.rejected if result else None,
            "hours": result.hours if result else None,
            "exports": len(result.certificate["withdrawn"]) if result else None,
            "error": {"code": job.error_code, "detail": job.error_detail or ""} if job.error_code else None,
        }


class _Erasure:
    """One job in one worker's hands."""

    def __init__(
        self,
        job: Job,
        lease: Lease,
        tools: Tools,
        limits: Limits,
        *,
        subject: Subject,
        pepper: bytes,
        state: Checkpoint,
    ) -> None:
        self._job = job
        self._lease = lease
        self._tools = tools
        self._limits = limits
        self._subject = subject
        self._pepper = pepper
        self._state = state
        self._asked = msgspec.json.decode(job.request, type=Kept)
        self._asked_at = -math.inf
        self.waits = False

    @classmethod
    async def begun(cls, job: Job, lease: Lease, tools: Tools, limits: Limits) -> "_Erasure":
        """Find whom it is about, follow their links, and note them as erased before anything is deleted."""
        subject = await tools.subjects.find(job.project_id, job.key)
        pepper = await person_key(tools.catalog, job.project_id)
        if subject is None or pepper is None:
            raise Rejected(Refusal.NOT_FOUND, "whom this erasure is about is not known any more; ask for it again")
        state = msgspec.json.decode(job.checkpoint, type=Checkpoint) if job.checkpoint else Checkpoint()
        work = cls(job, lease, tools, limits, subject=subject, pepper=pepper, state=state)
        if not subject.whole:
            await work._follow()
        if not state.noted_at:
            await work._note()
        return work

    async def _follow(self) -> None:
        """All ids of the people, kept before the rows that link them go: a crash must not forget half of somebody."""
        if self._asked.linked:
            asker = Asker(Remembering(self._tools.warehouse), function="gdpr_delete")
            self._subject.people = await everybody(self._job.project_id, asker, self._subject.keys)
        self._subject.whole = True
        self._subject.salt = secrets.token_hex(_SALT_BYTES)
        await self._tools.subjects.replace(self._job.project_id, self._job.key, self._subject)

    async def _note(self) -> None:
        held = (await held_people(self._tools.catalog, self._job.project_id)).among(self._subject.keys)
        if held:
            detail = f"{len(held)} of {len(self._subject.keys)} ids are under a legal hold; release it and ask again"
            raise Rejected(Refusal.CONFLICT, detail)
        people = self._hashes()
        await keep_erased(self._tools.catalog, self._job.project_id, self._job.id, people)
        reach("erasure.after_noted")
        now = self._tools.clock.micros()
        where = (self._tools.warehouse, self._job.project_id, self._pepper)
        await publish(*where, "person_erased", people, active=True, version=now)
        self._state.noted_at = now
        reach("erasure.after_published")
        await self.save()

    async def go_on(self) -> bool:
        """Do the next of it; whether nothing is left but to certify. `waits` says whether time must pass."""
        self.waits = False
        if self._state.stage == "rows":
            await self._rows()
        elif self._state.stage == "copies":
            await self._copies()
        else:
            return await self._disk()
        return False

    async def save(self) -> None:
        """Note how far it is; raises LeaseLostError."""
        await self._lease.save(msgspec.json.encode(self._state), _PROGRESS[self._state.stage])

    async def _rows(self) -> None:
        settled = self._settled()  # before the look: what it finds is then the last there can be
        where = (self._job.project_id, self._subject.keys, self._lease.check)
        nobody = not self._state.hours and not self._state.pending
        async for place in self._tools.looking.places(*where):
            self._lease.check()
            if found := await self._tools.looking.at(place):
                nobody = False
                await self._empty(place, found)
        now = self._tools.clock.micros()
        if not nobody:
            await self._tell()
        elif settled:
            self._state.verified_at, self._state.stage = now, "copies"
        self._state.hidden_at = self._state.hidden_at or now
        self.waits = nobody and not settled
        await self.save()

    async def _empty(self, place: Place, found: Found) -> None:
        """Delete what is at a place. Whoever goes on after a crash does not count what was counted already."""
        state, anonymous = self._state, place.own and self._asked.mode == "anonymise"
        if state.pending != place.key:
            state.found += found.events
            state.stores[place.table] = state.stores.get(place.table, 0) + found.rows
            if anonymous:
                state.anonymised += sum([await count_anonymous(self._tools.warehouse, one) for one in place.conditions])
        state.partitions[place.table] = sorted(found.partitions.union(state.partitions.get(place.table, ())))
        state.hours = sorted(found.hours.union(state.hours))
        state.touched = sorted(found.hours.union(state.touched))
        state.pending = place.key
        await self.save()
        reach("erasure.after_checkpoint")
        for which in place.conditions:
            if anonymous:
                await keep_anonymous(self._tools.warehouse, which, self._subject.salt, self._asked.properties)
            await delete_rows(self._tools.warehouse, which, self._lease.check)
        reach("erasure.after_delete")

    async def _tell(self) -> None:
        """Note in the ledgers what has changed: after the change, never before."""
        state = self._state
        await note_hours(self._tools.warehouse, self._job.project_id, state.hours)
        await note(self._tools.warehouse, self._job.project_id)
        reach("erasure.after_ledger")
        state.pending, state.hours, state.passes = "", [], state.passes + 1
        log.info("erasure pass", job=str(self._job.id), passes=state.passes, events=state.found.events)

    async def _copies(self) -> None:
        hashes = self._hashes()
        who = Who(
            project_id=self._job.project_id,
            texts=frozenset(self._subject.keys).union(key[2:] for key in self._subject.keys),
            hashes=frozenset(hashes),
            blocked=Blocked(self._pepper, dict.fromkeys(hashes, "person_erased")),
        )
        self._state.copies = await self._tools.shelves.clear(self._job, who, self._state.touched, self._lease.check)
        reach("erasure.after_copies")
        self._state.parts = await parts_of(self._tools.warehouse, self._state.partitions)
        self._state.rewritten_at = self._tools.clock.micros()
        self._state.stage = "disk"
        await self.save()

    async def _disk(self) -> bool:
        """Rewrite, and wait until what was there before is gone, or for as long as that may take."""
        state, warehouse, now = self._state, self._tools.warehouse, self._tools.clock.monotonic()
        if now - self._asked_at > _AGAIN_SECONDS:
            await rewrite(warehouse, state.partitions, state.parts, self._lease.check)
            self._asked_at = now
            reach("erasure.after_rewrite")
        self.waits = True
        late = self._tools.clock.micros() - state.rewritten_at > self._limits.disk_seconds * 1_000_000
        return late or not await left_of(warehouse, state.partitions, state.parts)

    def _settled(self) -> bool:
        """Whether every write that did not know of the people has ended or is going to be delivered again."""
        return self._tools.clock.micros() - self._state.noted_at >= self._limits.settle_seconds * 1_000_000

    def _hashes(self) -> dict[bytes, bytes]:
        """The hash of each id, with that of the person."""
        return {
            person_hash(self._pepper, key): person_hash(self._pepper, f"person {person}")
            for key, person in self._subject.people.items()
        }

    async def result(self) -> bytes:
        """The end of the job: what was done, signed."""
        state = self._state
        rewritten = await forget_stored(self._tools.bus)
        certificate = plain(await self._certificate(rewritten=rewritten))
        reach("erasure.before_certificate")
        result = Result(
            people=self._asked.people,
            found=state.found,
            left=Count(),
            rejected=state.stores.get("rejected_events", 0),
            rejected_left=0,
            hours=len(state.touched),
            passes=state.passes,
            verified_at=to_datetime(state.verified_at),
            certificate=await self._tools.signer.sign(certificate),
        )
        return msgspec.json.encode(result)

    async def _certificate(self, *, rewritten: bool) -> Certificate:
        state, tools = self._state, self._tools
        now = to_datetime(tools.clock.micros())
        left = await left_of(tools.warehouse, state.partitions, state.parts)
        copies = state.copies or Copies([], [], 0, 0, 0)
        elsewhere = {
            "report_runs": copies.report_runs,
            "deliveries": copies.deliveries,
            "dead_letters": copies.dead_letters,
        }
        stores = [Store(name, state.stores.get(name, 0), 0) for name in tools.looking.tables]
        return Certificate(
            type=TYPE,
            erasure_id=self._job.id,
            project_id=self._job.project_id,
            mode=self._asked.mode,
            linked=self._asked.linked,
            people=self._asked.people,
            tombstones=len(self._subject.people),
            fingerprint=self._asked.fingerprint,
            requested_at=self._job.created_at,
            hidden_at=to_datetime(state.hidden_at),
            verified_at=to_datetime(state.verified_at),
            issued_at=now,
            events=state.found.events,
            anonymised=state.anonymised,
            hours=len(state.touched),
            stores=stores + [Store(name, changed, 0) for name, changed in elsewhere.items()],
            disk=Disk(
                partitions=sum(map(len, state.partitions.values())),
                rewritten_at=to_datetime(state.rewritten_at),
                gone_at=None if left else now,
                old_parts=left,
            ),
            withdrawn=copies.withdrawn,
            delivered=copies.delivered,
            backups=await backups_of(tools.catalog, now),
            bus=Bus(kept_hours(tools.bus), rewritten),
        )
