"""The page of mails that were kept: what it shows, and to whom."""

from pathlib import Path

import msgspec
import pytest

from functions.notify.pages import answer
from shared.refusals import Refusal, Rejected
from tests.integration.notifying import asked, notifying, until

Headers = list[tuple[bytes, bytes]]
HERE: Headers = [
    (b"host", b"127.0.0.1:8081"),
    (b"x-forwarded-host", b"localhost:8080"),
    (b"x-forwarded-for", b"127.0.0.1"),
]


async def test_a_mail_is_kept_and_shown_in_its_frame(catalog_url: str, tmp_path: Path) -> None:
    async with notifying(catalog_url, smtp_url=(tmp_path / "mails").as_uri()) as here:
        for name in ("первое", "<b>second</b>"):
            await here.tell(emails=["anna@example.com"], values={"name": name}, language="ru")
        await until(lambda: len(here.rows(where="state = 'delivered'")) == 2)
        page = await answer(asked("GET", "/dev/mails", headers=HERE), here.ports)
        json = [*HERE, (b"accept", b"application/json")]
        items = msgspec.json.decode((await answer(asked("GET", "/dev/mails", headers=json), here.ports)).body)["items"]
        one = await answer(asked("GET", f"/dev/mails/{items[0]['id']}", headers=HERE), here.ports)
    text = page.body.decode()
    assert page.content_type.startswith("text/html")
    assert "Сработало оповещение: первое" in text
    assert "&lt;b&gt;second&lt;/b&gt;" in text
    assert "<b>second</b>" not in text
    assert {item["to"] for item in items} == {"anna@example.com"}
    assert "sandbox=" in one.body.decode()
    assert "script-src" not in one.headers["content-security-policy"]
    assert one.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    "headers",
    [
        [(b"host", b"evil.example"), (b"x-forwarded-for", b"127.0.0.1")],
        [(b"host", b"127.0.0.1:8081"), (b"x-forwarded-host", b"evil.example"), (b"x-forwarded-for", b"127.0.0.1")],
        [(b"host", b"127.0.0.1"), (b"x-forwarded-host", b"localhost"), (b"x-forwarded-for", b"203.0.113.7, 127.0.0.1")],
        [(b"host", b"127.0.0.1"), (b"x-forwarded-host", b"localhost"), (b"x-forwarded-for", b"192.168.1.4")],
        [],
    ],
)
async def test_nobody_else_sees_it(catalog_url: str, tmp_path: Path, headers: Headers) -> None:
    async with notifying(catalog_url, smtp_url=tmp_path.as_uri()) as here:
        with pytest.raises(Rejected) as refused:
            await answer(asked("GET", "/dev/mails", headers=headers), here.ports)
    assert refused.value.refusal is Refusal.NOT_FOUND


@pytest.mark.parametrize(
    "path", ["/dev/mails/none", "/dev/mails/..%2f..%2fsecrets", "/dev/mails/*", "/dev/other", "/x"]
)
async def test_what_is_no_mail_is_not_there(catalog_url: str, tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.eml").write_text("Subject: secret\n\nx")
    async with notifying(catalog_url, smtp_url=tmp_path.as_uri()) as here:
        with pytest.raises(Rejected) as refused:
            await answer(asked("GET", path, headers=HERE), here.ports)
    assert refused.value.refusal is Refusal.NOT_FOUND
