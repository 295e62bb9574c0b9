"""The second factor: codes by the clock (RFC 6238), each good once, and recovery codes for a lost phone."""

import base64
import hashlib
import hmac
import re
import secrets
from urllib.parse import quote

from functions.auth.asking import Call, User
from functions.auth.ports import Ports
from functions.auth.recording import recorded
from shared.catalog.client import Queries, Row
from shared.refusals import Refusal, Rejected
from shared.security.sealing import SealedError
from shared.security.sessions import Method

_SECONDS = 30
# A step before and after, for clocks that differ.
_DRIFT = 1
_DIGITS = re.compile(r"\d{6}")
_RECOVERY_CODES = 10
_RECOVERY_BYTES = 10
_ISSUER = "Sluice"


async def check_code(ports: Ports, user: Row, code: str) -> Method:
    """Use up a code of the second factor, or a recovery code; which it was.

    Raises Rejected (SECOND_FACTOR_REQUIRED without one, BAD_CODE).
    """
    code = code.replace(" ", "").strip()
    if not code:
        raise Rejected(Refusal.SECOND_FACTOR_REQUIRED)
    if _DIGITS.fullmatch(code):
        step = _step_of(ports, user, code)
        if step is not None and await ports.catalog.rows("auth/use_totp_step", {"user_id": user["id"], "step": step}):
            return "totp"
    elif await ports.catalog.rows("auth/use_recovery_code", {"user_id": user["id"], "code_hash": _hash(user, code)}):
        return "recovery_code"
    raise Rejected(Refusal.BAD_CODE)


async def begin(call: Call, user: User) -> tuple[str, str]:
    """A secret for an authenticator app and its address; in force once a code of it came (`confirm`).

    Raises Rejected (CONFLICT where a second factor is in force).
    """
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    sealed = call.ports.sealer.seal(secret.encode(), _context(user.row))
    if not await call.ports.catalog.rows("auth/keep_totp_secret", {"user_id": user.id, "secret": sealed}):
        raise Rejected(Refusal.CONFLICT, "a second factor is in force; remove it first")
    label = quote(f"{_ISSUER}:{user.email}")
    return secret, f"otpauth://totp/{label}?secret={secret}&issuer={_ISSUER}&algorithm=SHA1&digits=6&period={_SECONDS}"


async def confirm(call: Call, user: User, code: str) -> list[str]:
    """Put the second factor in force by its first code; the recovery codes.

    Raises Rejected (CONFLICT without a secret, or where one is in force; BAD_CODE, RATE_LIMITED).
    """
    await call.ports.throttle.attempt(user.email, call.address)
    if user.row["totp_secret"] is None or user.row["totp_confirmed_at"] is not None:
        raise Rejected(Refusal.CONFLICT, "there is no second factor that waits for its first code")
    step = _step_of(call.ports, user.row, code.replace(" ", ""))
    if step is None:
        raise Rejected(Refusal.BAD_CODE)
    async with call.ports.catalog.transaction() as transaction:
        if not await transaction.rows("auth/confirm_totp", {"user_id": user.id, "step": step}):
            raise Rejected(Refusal.CONFLICT, "the second factor is in force already")
        codes = await _new_codes(transaction, user)
        await recorded(transaction, call, user.actor, "second_factor.enabled")
    return codes


async def remove(call: Call, user: User, code: str) -> None:
    """End the second factor, by a code of it. Raises Rejected (CONFLICT, BAD_CODE, SECOND_FACTOR_REQUIRED)."""
    _require(user)
    await check_code(call.ports, user.row, code)
    async with call.ports.catalog.transaction() as transaction:
        await transaction.rows("auth/remove_totp", {"user_id": user.id})
        await recorded(transaction, call, user.actor, "second_factor.disabled")


async def renew_codes(call: Call, user: User, code: str) -> list[str]:
    """New recovery codes instead of those before. Raises as `remove` does."""
    await call.ports.throttle.attempt(user.email, call.address)
    _require(user)
    await check_code(call.ports, user.row, code)
    async with call.ports.catalog.transaction() as transaction:
        codes = await _new_codes(transaction, user)
        await recorded(transaction, call, user.actor, "recovery_codes.renewed")
    return codes


def _require(user: User) -> None:
    if user.row["totp_confirmed_at"] is None:
        raise Rejected(Refusal.CONFLICT, "there is no second factor")


def _step_of(ports: Ports, user: Row, code: str) -> int | None:
    """The step a code is of, among those it may be of now; None for a wrong one."""
    import pyotp

    try:
        secret = ports.sealer.open(bytes(user["totp_secret"]), _context(user)).decode()
    except SealedError as error:
        raise Rejected(Refusal.BAD_CODE, "the second factor does not open any more; use a recovery code") from error
    totp, now = pyotp.TOTP(secret, interval=_SECONDS), ports.clock.micros() // 1_000_000 // _SECONDS
    steps = [step for step in range(now - _DRIFT, now + _DRIFT + 1) if _same(totp.generate_otp(step), code)]
    return steps[-1] if steps else None


def _same(wanted: str, given: str) -> bool:
    return hmac.compare_digest(wanted.encode(), given.encode())


async def _new_codes(queries: Queries, user: User) -> list[str]:
    codes = [_new_code() for _ in range(_RECOVERY_CODES)]
    await queries.rows("auth/keep_recovery_codes", {"user_id": user.id, "hashes": [_hash(user.row, c) for c in codes]})
    return codes


def _new_code() -> str:
    text = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _hash(user: Row, code: str) -> bytes:
    """80 random bits need no slow hash; the user's id makes equal codes of two users differ."""
    plain = code.replace("-", "").lower()
    return hashlib.sha256(f"{user['id']}:{plain}".encode()).digest()


def _context(user: Row) -> str:
    return f"totp of {user['id']}"
