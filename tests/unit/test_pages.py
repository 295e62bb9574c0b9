"""The app's files as the edge serves them."""

from pathlib import Path

import pytest

from shared.http import Reply, Request
from shared.local.pages import Pages
from shared.local.web_build import sources

HTML = "text/html,application/xhtml+xml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A built app, with something beside it that is nobody's business."""
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    for name, content in {
        "index.html": b"<!doctype html>",
        "assets/index-abc.js": b"script",
        "assets/index-abc.js.br": b"br",
        "assets/index-abc.js.gz": b"gz",
        "sluice.js": b"library",
    }.items():
        (dist / name).write_bytes(content)
    (tmp_path / "secrets.json").write_bytes(b"{}")
    return dist


def ask(folder: Path, path: str, method: str = "GET", **headers: str) -> Reply | None:
    async def nothing() -> dict[str, object]:
        return {"type": "http.request"}

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": raw}
    return Pages(folder).answer(Request(scope, nothing))


def found(reply: Reply | None) -> Reply:
    assert reply is not None
    return reply


def test_a_browser_is_led_from_the_root_to_the_app_and_a_client_is_not(folder: Path) -> None:
    assert found(ask(folder, "/", accept=HTML)).headers["location"] == "/app/"
    assert ask(folder, "/", accept="application/json") is None
    assert ask(folder, "/", method="POST", accept=HTML) is None


@pytest.mark.parametrize("path", ["/app/", "/app/sign-in", "/app/p/01a/overview"])
def test_every_page_of_the_app_is_the_one_html_with_a_strict_policy(folder: Path, path: str) -> None:
    reply = found(ask(folder, path))
    assert (reply.status, reply.body, reply.content_type) == (200, b"<!doctype html>", "text/html; charset=utf-8")
    assert "unsafe" not in reply.headers["content-security-policy"]
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
    assert reply.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("accepted", "encoding", "body"),
    [("gzip, br", "br", b"br"), ("gzip", "gzip", b"gz"), ("", None, b"script"), ("br;q=0, gzip", "gzip", b"gz")],
)
def test_a_hashed_file_comes_packed_as_the_client_takes_it_and_is_kept_for_a_year(
    folder: Path, accepted: str, encoding: str | None, body: bytes
) -> None:
    reply = found(ask(folder, "/app/assets/index-abc.js", accept_encoding=accepted))
    assert (reply.body, reply.headers.get("content-encoding")) == (body, encoding)
    assert reply.content_type == "text/javascript; charset=utf-8"
    assert "immutable" in reply.headers["cache-control"]
    assert reply.headers["vary"] == "accept-encoding"


def test_an_unchanged_file_is_not_sent_again(folder: Path) -> None:
    first = found(ask(folder, "/sluice.js"))
    again = found(ask(folder, "/sluice.js", if_none_match=first.headers["etag"]))
    assert (again.status, again.body) == (304, b"")
    (folder / "sluice.js").write_bytes(b"newer")
    assert found(ask(folder, "/sluice.js", if_none_match=first.headers["etag"])).body == b"newer"


def test_any_page_of_the_web_may_load_the_library(folder: Path) -> None:
    assert found(ask(folder, "/sluice.js")).headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "path", ["/app/../secrets.json", "/app/assets/../../secrets.json", "/app/%2e%2e/secrets.json", "/app//etc/passwd"]
)
def test_nothing_outside_the_folder_is_served(folder: Path, path: str) -> None:
    reply = ask(folder, path)
    assert reply is None or reply.body == b"<!doctype html>"


def test_a_hashed_file_of_an_older_build_is_not_the_page(folder: Path) -> None:
    assert ask(folder, "/app/assets/index-old.js") is None


@pytest.mark.parametrize("path", ["/api/v1/events", "/apple", "/docs"])
def test_what_is_not_of_the_app_is_left_to_others(folder: Path, path: str) -> None:
    assert ask(folder, path) is None


def test_before_the_app_is_built_its_page_says_so_and_comes_again(tmp_path: Path) -> None:
    reply = found(ask(tmp_path / "none", "/app/p/1/overview"))
    assert reply.status == 503
    assert b'http-equiv="refresh"' in reply.body
    assert ask(tmp_path / "none", "/sluice.js") is None


def test_every_change_of_a_source_is_another_fingerprint(tmp_path: Path) -> None:
    for name in ("web/src/a.ts", "web/index.html", "web/package-lock.json", "web/vite.config.ts"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    (tmp_path / "web/vite.sdk.config.ts").write_text("1")
    before = sources(tmp_path)
    (tmp_path / "web/src/a.ts").rename(tmp_path / "web/src/b.ts")
    assert sources(tmp_path) != before
