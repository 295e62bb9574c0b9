"""The built app of web/ as files: `/app/…`, `/sluice.js`, and `/` for who comes with a browser.

Files with a hash in their name are kept for a year, the others are asked for anew and answered 304. The build leaves
a `.br` and a `.gz` beside each text, so nothing is compressed here. Until it is built a page says so and comes again.
"""

import hashlib
import mimetypes
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from shared.http import Reply, Request

FOLDER = Path(__file__).resolve().parents[2] / "web" / "dist"
SCRIPT = "/sluice.js"
APP = "/app"
_INDEX = "index.html"
_HASHED = "assets/"
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_YEAR = "public, max-age=31536000, immutable"
_ANEW = "no-cache"
# No inline script or style, nobody else's files, no framing: what a name in the data could smuggle in does not run.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_PAGE_HEADERS: Mapping[str, str] = {
    "content-security-policy": _POLICY,
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
# Any page may load the library.
_SCRIPT_HEADERS: Mapping[str, str] = {
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
}
_UNBUILT = b"""<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<title>Sluice</title><h1>The app is being built</h1>
<p>This takes a minute, once. The API answers already; this page comes again by itself.</p>
<p lang="ru">\xd0\x9f\xd1\x80\xd0\xb8\xd0\xbb\xd0\xbe\xd0\xb6\xd0\xb5\xd0\xbd\xd0\xb8\xd0\xb5 \
\xd1\x81\xd0\xbe\xd0\xb1\xd0\xb8\xd1\x80\xd0\xb0\xd0\xb5\xd1\x82\xd1\x81\xd1\x8f.</p></html>
"""


class Pages:
    """What a browser may fetch. Answers None for every other path and method: then it is no page."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    def answer(self, request: Request) -> Reply | None:
        """The file, a 304, or a 404 for a hashed file that is no longer there; only GET and HEAD ask for pages."""
        if request.method not in {"GET", "HEAD"}:
            return None
        if request.path == "/" and _is_browser(request):
            return Reply(302, headers={"location": f"{APP}/", "cache-control": _ANEW, "vary": "accept"})
        if request.path == APP:
            return Reply(308, headers={"location": f"{APP}/"})
        if request.path == SCRIPT:
            return self._file(request, SCRIPT.lstrip("/"), _SCRIPT_HEADERS)
        if not request.path.startswith(f"{APP}/"):
            return None
        name = request.path.removeprefix(f"{APP}/")
        if name and (found := self._file(request, name, _PAGE_HEADERS)):
            return found
        if name.startswith(_HASHED):
            return None
        page = self._file(request, _INDEX, _PAGE_HEADERS)
        return page or Reply(503, _UNBUILT, "text/html; charset=utf-8", {"retry-after": "2", "cache-control": _ANEW})

    def _file(self, request: Request, name: str, headers: Mapping[str, str]) -> Reply | None:
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder.resolve()) or not path.is_file():
            return None
        encoding, packed = _packed(path, request.headers.get("accept-encoding", ""))
        body = _read(packed, packed.stat().st_mtime_ns)
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        answer = {
            **headers,
            "cache-control": _YEAR if name.startswith(_HASHED) else _ANEW,
            "etag": tag,
            "vary": "accept-encoding",
        }
        if tag in request.headers.get("if-none-match", ""):
            return Reply(304, headers=answer)
        if encoding:
            answer["content-encoding"] = encoding
        return Reply(200, body, _type_of(path), answer)


def _is_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _packed(path: Path, accepted: str) -> tuple[str, Path]:
    """The smallest form of a file that the client takes, and its name."""
    taken = {part.partition(";")[0].strip() for part in accepted.split(",") if "q=0" not in part.replace(" ", "")}
    for encoding, suffix in _ENCODINGS:
        if encoding in taken and (packed := path.with_name(path.name + suffix)).is_file():
            return encoding, packed
    return "", path


@lru_cache(maxsize=64)
def _read(path: Path, _changed: int) -> bytes:
    """A file's bytes, read once for each time it was changed."""
    return path.read_bytes()


def _type_of(path: Path) -> str:
    if path.suffix == ".js":  # some systems' tables call it text/plain, which browsers refuse to run
        return "text/javascript; charset=utf-8"
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
