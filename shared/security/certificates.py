"""Signed certificates: JSON that says what was done, with an Ed25519 signature that anybody can check without us.

The keys are their own and not those of access tokens: a token ends after minutes and its keys with it, a certificate is
shown years later. They are kept sealed and all verify for ever; `/.well-known/jwks.json` has their public halves.

The signature is a JWS with detached content (RFC 7515, appendix F): `header..signature` over the certificate without
`signature`, written as RFC 8785 has it. A certificate holds texts, whole numbers, flags, nulls, lists and objects, so
that this is: names in order, no spaces, UTF-8.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from shared.catalog.client import Catalog, Row
from shared.security.sealing import SealedError, Sealer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = "EdDSA"
# No access token has this type, and none with it is taken for one.
TYPE = "sluice-certificate+jws"


class CertificateError(Exception):
    """It does not verify: it was changed, is none, or was signed with a key that is not given."""


class CertificateSigner:
    """Signs with the newest key that opens; the first is made when it is needed."""

    def __init__(self, catalog: Catalog, sealer: Sealer) -> None:
        self._catalog = catalog
        self._sealer = sealer

    async def sign(self, certificate: Mapping[str, Any]) -> dict[str, Any]:
        """The certificate with `key_id`, `algorithm` and `signature`; raises CatalogUnavailableError."""
        kid, key = await self._key()
        whole = {**msgspec.to_builtins(certificate), "key_id": kid, "algorithm": ALGORITHM}
        head = _encoded(canonical({"alg": ALGORITHM, "kid": kid, "typ": TYPE}))
        signature = key.sign(f"{head}.{_encoded(canonical(whole))}".encode())
        return {**whole, "signature": f"{head}..{_encoded(signature)}"}

    async def _key(self) -> "tuple[str, Ed25519PrivateKey]":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        for row in await self._catalog.rows("certificate_keys"):
            try:
                private = self._sealer.open(bytes(row["sealed_key"]), _place(row["kid"]))
            except SealedError:
                continue
            return row["kid"], Ed25519PrivateKey.from_private_bytes(private)
        key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes_raw()
        kid = thumbprint(public)
        sealed = self._sealer.seal(key.private_bytes_raw(), _place(kid))
        await self._catalog.rows("add_certificate_key", {"kid": kid, "public_key": public, "sealed_key": sealed})
        return kid, key


async def certificate_key_set(catalog: Catalog) -> list[dict[str, Any]]:
    """The public keys of certificates as JSON Web Keys (RFC 8037)."""
    rows: list[Row] = await catalog.rows("certificate_keys")
    return [
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": _encoded(bytes(row["public_key"])),
            "kid": row["kid"],
            "use": "sig",
            "alg": ALGORITHM,
            "typ": TYPE,
        }
        for row in rows
    ]


def verify(certificate: Mapping[str, Any], keys: Mapping[str, Any]) -> str:
    """The `kid` of the key that signed it, one of a JSON Web Key Set; raises CertificateError."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    given = dict(certificate)
    head, _, signature = str(given.pop("signature", "")).partition("..")
    try:
        header = msgspec.json.decode(_decoded(head), type=dict[str, str])
        if (header.get("alg"), header.get("typ")) != (ALGORITHM, TYPE) or header.get("kid") != given.get("key_id"):
            raise CertificateError("its signature is none of a certificate")
        found = next((one for one in keys.get("keys", ()) if one.get("kid") == header["kid"]), None)
        if found is None:
            raise CertificateError(f"it was signed with the key {header['kid'][:64]}, which is not among those given")
        public = Ed25519PublicKey.from_public_bytes(_decoded(found["x"]))
        public.verify(_decoded(signature), f"{head}.{_encoded(canonical(given))}".encode())
    except InvalidSignature as error:
        raise CertificateError("it was changed after it was signed") from error
    except (ValueError, KeyError, TypeError, AttributeError, msgspec.MsgspecError) as error:
        raise CertificateError("it has no signature that could be checked") from error
    return header["kid"]


def canonical(value: Any) -> bytes:
    """The bytes that are signed."""
    return msgspec.json.encode(value, order="sorted")


def thumbprint(public: bytes) -> str:
    """The name of a key, which follows from it (RFC 7638)."""
    return _encoded(hashlib.sha256(canonical({"crv": "Ed25519", "kty": "OKP", "x": _encoded(public)})).digest())


def _place(kid: str) -> str:
    return f"certificate key {kid}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
