"""A small OpenID Connect provider: discovery, authorization code with PKCE (S256), a client that proves itself, keys.

It approves whoever comes. `person` is who that is, `bend` changes an ID token's claims before it is signed.
"""

import base64
import hashlib
import secrets
import socket
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "sluice", "a secret of the provider's"


class OidcProvider:
    """Listens on the loopback from `start` to `stop`."""

    def __init__(self) -> None:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        self._listener = listener
        self.issuer = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.person: dict[str, Any] = {"sub": "7", "email": "ada@example.org", "email_verified": True, "name": "Ada"}
        self.bend: Callable[[dict[str, Any]], dict[str, Any]] = dict
        self.algorithm = "RS256"
        self.key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        self.kid = "1"
        self._codes: dict[str, dict[str, str]] = {}
        app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._configuration),
                Route("/keys", self._keys),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
            ]
        )
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)

    def start(self) -> "OidcProvider":
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._listener.close()

    async def _configuration(self, request: Request) -> Response:
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        addresses = {name: f"{self.issuer}/{place}" for name, place in places.items()}
        return JSONResponse({"issuer": self.issuer, **addresses})

    async def _keys(self, request: Request) -> Response:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return JSONResponse({"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "RS256"}]})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        answer = urlencode({"code": code, "state": asked["state"], "iss": self.issuer})
        return RedirectResponse(f"{asked['redirect_uri']}?{answer}")

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        proof = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self._codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        sound = asked is not None and asked["code_challenge"] == challenge.rstrip(b"=").decode()
        if asked is None or not sound or request.headers["authorization"] != f"Basic {proof}":
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            **self.person,
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 60,
            "nonce": asked["nonce"],
        }
        key: Any = {"none": None, "HS256": SECRET * 2}.get(self.algorithm, self.key)
        token = jwt.encode(self.bend(claims), key, algorithm=self.algorithm, headers={"kid": self.kid})
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": token})
