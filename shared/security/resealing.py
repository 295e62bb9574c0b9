"""Sealing everything anew with the secret of now, so that the one before it can be dropped.

What the catalog keeps sealed: signing keys, second factors, the secrets of webhooks and the keys behind shares. The
keys that signed checkpoints of audit logs followed from secrets, too: the key of now endorses them, in the catalog.
"""

import msgspec

from shared.catalog.client import Catalog, Row
from shared.security.audit import Agent, record
from shared.security.audit_chain import Signer, trusting
from shared.security.sealing import SealedError, Sealer
from shared.security.secrets import SecretBox

_AT_ONCE = 500
_TEXTS = frozenset({"webhook", "webhook_before"})


class Resealed(msgspec.Struct, frozen=True):
    """What became of all that is sealed: how much there is, what was sealed anew, and what opens with no secret known.

    `closed` names what does not open: `kind id`. With none, the secret before the one of now is needed no more.
    """

    sealed: int
    anew: int
    endorsed: int
    closed: list[str]


async def reseal(catalog: Catalog, sealer: Sealer, signer: Signer) -> Resealed:
    """Seal anew what an earlier secret sealed; may be repeated, interrupted and run twice at once.

    What is replaced meanwhile stays as it was replaced. Raises CatalogUnavailableError.
    """
    sealed, anew, closed = 0, 0, list[str]()
    after = {"after_kind": "", "after_id": ""}
    while rows := await catalog.rows("security/sealed", {**after, "most": _AT_ONCE}):
        for row in rows:
            sealed += 1
            try:
                fresh = _sealed_anew(sealer, row)
            except SealedError:
                closed.append(f"{row['kind']} {row['id']}")
                continue
            if fresh is not None:
                values = {"id": row["id"], "before": bytes(row["sealed"]), "sealed": fresh}
                anew += len(await catalog.rows(f"security/reseal_{row['kind']}", values))
        after = {"after_kind": rows[-1]["kind"], "after_id": rows[-1]["id"]}
    endorsed = await _endorse(catalog, signer)
    if anew or endorsed:
        done = {"sealed_anew": anew, "endorsed": endorsed}
        agent = Agent("resealing")
        await record(
            catalog, organisation_id=None, actor=agent, action="secrets.resealed", target="instance", after=done
        )
    return Resealed(sealed, anew, endorsed, closed)


def _sealed_anew(sealer: Sealer, row: Row) -> bytes | None:
    """What is to be kept instead, None where it is sealed with the secret of now; raises SealedError."""
    kept, place = bytes(row["sealed"]), row["place"]
    if row["kind"] in _TEXTS:
        box, text = SecretBox(sealer), kept.decode()
        return box.seal(box.open(text, place), place).encode() if box.needs_sealing(text) else None
    if sealer.is_newest(kept):
        return None
    return sealer.seal(sealer.open(kept, place), place)


async def _endorse(catalog: Catalog, signer: Signer) -> int:
    known = await trusting(catalog, signer)
    written = [await catalog.rows("audit/endorse", msgspec.structs.asdict(one)) for one in known.endorse()]
    return sum(map(len, written))
