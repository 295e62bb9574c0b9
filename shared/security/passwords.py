"""Passwords: hashed off the event loop by a bounded number of threads, checked for strength, upgraded when they fit.

Argon2id as OWASP recommends it (19 MiB, two passes), or bcrypt by setting. Hashes of either kind are taken and
replaced by the present kind at the next sign-in. Whether an account is there or not, the same work is done.
"""

import asyncio
import os
import secrets
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from shared.refusals import Refusal, Rejected

if TYPE_CHECKING:
    from passlib.context import CryptContext

T = TypeVar("T")
Algorithm = Literal["argon2", "bcrypt"]
Policy = Literal["standard", "relaxed"]

POLICY = (
    "standard refuses passwords that are easy to guess; relaxed takes 8 characters and says what is weak about them."
    " `task up` on the loopback is relaxed."
)
LEAST_CHARACTERS = 8
MOST_CHARACTERS = 1_000
# bcrypt sees no more of a password than this.
_BCRYPT_BYTES = 72
_ARGON2_KIB = 19_456
# zxcvbn's scale of 0 to 4: 3 is "safely unguessable" where a slow hash is used.
_STRONG = 3
# Its time grows with the square of the length; the rest of a longer one only adds.
_LOOKED_AT = 72
_MOST_THREADS = 4


class Verdict(NamedTuple):
    """Whether a password is right, and the hash to keep instead of an outdated one ('' for none)."""

    right: bool
    upgraded: str


class Passwords:
    """Hashes and checks passwords, some at once; the caller bounds how many wait."""

    def __init__(self, algorithm: Algorithm = "argon2", policy: Policy = "standard") -> None:
        self._algorithm = algorithm
        self._policy = policy
        self._threads = ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1), thread_name_prefix="passwords")
        self._context: CryptContext | None = None
        self._nobodys = ""

    async def accept(self, password: str, about: Sequence[str] = ()) -> list[str]:
        """Look at a new password; what is weak about it, where the policy takes it nevertheless.

        `about` are texts that make a bad password: the address, the name. Raises Rejected (WEAK_PASSWORD).
        """
        if len(password) < LEAST_CHARACTERS:
            raise Rejected(Refusal.WEAK_PASSWORD, f"it has {len(password)} characters; at least {LEAST_CHARACTERS}")
        if self._algorithm == "bcrypt" and len(_normal(password).encode()) > _BCRYPT_BYTES:
            raise Rejected(Refusal.WEAK_PASSWORD, f"bcrypt takes at most {_BCRYPT_BYTES} bytes")
        warnings = await self._run(lambda: weaknesses(password, about))
        if warnings and self._policy == "standard":
            raise Rejected(Refusal.WEAK_PASSWORD, " ".join(warnings), suggestions=warnings)
        return warnings

    async def hash(self, password: str) -> str:
        """What is kept of a password."""
        return await self._run(lambda: str(self._ready().hash(_normal(password))))

    async def verify(self, password: str, kept: str | None) -> Verdict:
        """Whether `password` is the one `kept` was made of; None (nobody's) takes as long and is never right."""
        return await self._run(lambda: self._verify(password, kept))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password: str, kept: str | None) -> Verdict:
        context = self._ready()
        text, scheme = _normal(password), context.identify(kept) if kept else None
        # bcrypt never saw more, and today's refuses it.
        given = text.encode()[:_BCRYPT_BYTES] if scheme == "bcrypt" else text
        try:
            right, upgraded = context.verify_and_update(given, kept if scheme else self._nobodys)
        except ValueError:  # a hash that is none
            right, upgraded = context.verify(text, self._nobodys), None
            scheme = None
        if not right or scheme is None:
            return Verdict(right=False, upgraded="")
        # An upgrade is of the whole password, not of what bcrypt saw of it.
        return Verdict(right=True, upgraded=str(context.hash(text)) if upgraded else "")

    def _ready(self) -> "CryptContext":
        """The hashing library, loaded with the first password whoever's that is."""
        if self._context is None:
            from passlib.context import CryptContext

            context = CryptContext(
                schemes=["argon2", "bcrypt"],
                default=self._algorithm,
                deprecated="auto",
                argon2__type="ID",
                argon2__memory_cost=_ARGON2_KIB,
                argon2__time_cost=2,
                argon2__parallelism=1,
                bcrypt__rounds=12,
            )
            self._nobodys = context.hash(secrets.token_hex(16))
            self._context = context
        return self._context

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def weaknesses(password: str, about: Sequence[str] = ()) -> list[str]:
    """What makes a password easy to guess, as sentences; [] for a strong one."""
    from zxcvbn import zxcvbn

    parts = [part for text in about for part in (text, *text.replace("@", " ").replace(".", " ").split()) if part]
    found = zxcvbn(password[:_LOOKED_AT], user_inputs=parts[:100])
    if found["score"] >= _STRONG:
        return []
    said = [found["feedback"]["warning"], *found["feedback"]["suggestions"]]
    return [sentence for sentence in said if sentence] or ["Add another word or two."]


def _normal(password: str) -> str:
    """The same password, whichever way a keyboard composes its letters."""
    return unicodedata.normalize("NFC", password)
