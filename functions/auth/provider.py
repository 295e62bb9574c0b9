"""One OpenID Connect provider people sign in with: authorization code with PKCE, by Authlib.

The ID token is held against the provider's own keys with asymmetric algorithms only, its issuer, our client id, the
nonce of this sign-in and its time.
"""

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.refusals import Refusal, Rejected, UnavailableError

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_SCOPE = "openid email profile"
_SECONDS = 10
_LEEWAY = 60
_REQUIRED = ["iss", "aud", "sub", "exp", "iat", "nonce"]
_OK = 200


class ProviderUnavailableError(UnavailableError):
    """The provider does not answer as OpenID Connect says."""

    retry_after_seconds = 5


class Identity(NamedTuple):
    """Who the provider says somebody is; `email` is '' unless the provider vouches for it."""

    issuer: str
    subject: str
    email: str
    name: str


class Provider:
    """Reads the provider's configuration at the first sign-in, and its keys when one is not known."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, redirect_uri: str) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._client: AsyncOAuth2Client | None = None
        self._metadata: dict[str, Any] = {}
        self._keys: dict[str, Any] = {}

    async def address(self, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes to sign in. Raises ProviderUnavailableError."""
        metadata = await self._configured()
        address, _ = self._opened().create_authorization_url(
            metadata["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
        )
        return str(address)

    async def identity(self, code: str, verifier: str, nonce: str) -> Identity:
        """Who signed in, for the code the browser came back with.

        Raises Rejected (BAD_CREDENTIALS) for a code or a token that is not sound, ProviderUnavailableError.
        """
        from authlib.common.errors import AuthlibBaseError

        metadata = await self._configured()
        try:
            said = await self._asked(
                self._opened().fetch_token(metadata["token_endpoint"], code=code, code_verifier=verifier)
            )
        except AuthlibBaseError as error:
            raise Rejected(Refusal.BAD_CREDENTIALS, "the provider takes no such code") from error
        claims = await self._checked(str(said.get("id_token", "")), nonce)
        vouched = claims.get("email_verified") is True
        email = str(claims.get("email", "")) if vouched else ""
        return Identity(self._issuer, str(claims["sub"]), email, str(claims.get("name", "")))

    def answers_as(self, issuer: str) -> bool:
        """Whether an answer's `iss` (RFC 9207; '' where the provider sends none) is this provider."""
        return issuer in {"", self._issuer}

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _checked(self, token: str, nonce: str) -> dict[str, Any]:
        import jwt

        try:
            kid = str(jwt.get_unverified_header(token).get("kid", ""))
            key = await self._key(kid)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=self._client_id,
                issuer=self._issuer,
                leeway=_LEEWAY,
                options={"require": _REQUIRED},
            )
        except (jwt.InvalidTokenError, jwt.PyJWKError, ValueError, TypeError) as error:
            raise Rejected(Refusal.BAD_CREDENTIALS, "the provider's ID token is not sound") from error
        if claims["nonce"] != nonce or claims.get("azp", self._client_id) != self._client_id:
            raise Rejected(Refusal.BAD_CREDENTIALS, "the provider's ID token is of another sign-in")
        return claims

    async def _key(self, kid: str) -> Any:
        """The provider's key of that name, or its only one."""
        import jwt

        for fresh in (False, True):
            if fresh or not self._keys:
                metadata = await self._configured()
                self._keys = await self._json(metadata["jwks_uri"])
            found = [key for key in jwt.PyJWKSet.from_dict(self._keys).keys if not kid or key.key_id == kid]
            if found:
                return found[0]
        raise jwt.InvalidTokenError("a key the provider does not have")

    async def _configured(self) -> dict[str, Any]:
        if not self._metadata:
            metadata = await self._json(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            if metadata.get("issuer") != self._issuer:
                raise ProviderUnavailableError("the OpenID Connect provider is another than SLUICE_OIDC_ISSUER says")
            self._metadata = metadata
        return self._metadata

    async def _json(self, address: str) -> dict[str, Any]:
        answer = await self._asked(self._opened().request("GET", address, withhold_token=True))
        if answer.status_code != _OK:
            raise ProviderUnavailableError(f"the OpenID Connect provider answers {answer.status_code}")
        try:
            said = answer.json()
        except ValueError as error:
            raise ProviderUnavailableError("the OpenID Connect provider does not answer JSON") from error
        return said if isinstance(said, dict) else {}

    async def _asked(self, asking: Any) -> Any:
        import httpx2

        try:
            return await asyncio.wait_for(asking, _SECONDS)
        except (httpx2.HTTPError, TimeoutError) as error:
            raise ProviderUnavailableError("the OpenID Connect provider does not answer") from error

    def _opened(self) -> "AsyncOAuth2Client":
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        if self._client is None:
            self._client = AsyncOAuth2Client(
                self._client_id,
                self._client_secret,
                scope=_SCOPE,
                redirect_uri=self._redirect_uri,
                code_challenge_method="S256",
            )
        return self._client
