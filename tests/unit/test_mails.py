"""What mails say: both parts, both languages, whatever the values are."""

import itertools
from email.message import EmailMessage
from pathlib import Path
from typing import Any, get_args

import pytest

from functions.notify.mailers import FolderMailer, NoMailer, SmtpMailer, open_mailer
from functions.notify.mails import FOLDER, render
from shared.config import ConfigError
from shared.notifications import TYPES, WEBHOOKS_ONLY, Language, Template

MAILED = [template for template in get_args(Template) if template not in WEBHOOKS_ONLY]
LANGUAGES: tuple[Language, ...] = get_args(Language)
EVIL = "<script>alert(1)</script>"
STRANGE: list[dict[str, Any]] = [
    {},
    {"rows": None, "range": None, "error": None, "value": None, "since": None, "name": None},
    {"rows": "many", "range": "always", "error": "bad", "value": "x", "since": "then", "bytes": True, "people": "a"},
    {"rows": [1, None, {"name": EVIL}], "range": [1], "error": [], "value": {"a": 1}, "since": 5, "total": "x"},
]


@pytest.mark.parametrize(("template", "language"), list(itertools.product(MAILED, LANGUAGES)))
@pytest.mark.parametrize("values", STRANGE)
def test_no_value_and_strange_values_make_a_mail(
    template: Template, language: Language, values: dict[str, Any]
) -> None:
    mail = render(template, language, values)
    assert mail.subject
    assert mail.text.strip()
    assert "None" not in mail.text
    assert EVIL not in mail.html


@pytest.mark.parametrize(("template", "language"), list(itertools.product(MAILED, LANGUAGES)))
def test_a_value_is_never_markup_and_never_a_line_of_the_head(template: Template, language: Language) -> None:
    names = ["name", "condition", "window", "project", "organisation", "inviter", "role", "url", "reason", "error"]
    values: dict[str, Any] = dict.fromkeys(names, EVIL + "\r\nBcc: all@example.com")
    mail = render(template, language, values, "https://sluice.example")
    assert EVIL not in mail.html
    assert "\n" not in mail.subject
    EmailMessage()["Subject"] = mail.subject


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "//other.example", "", None])
def test_a_link_that_is_no_web_address_is_left_out(link: str | None) -> None:
    mail = render("password_reset", "en", {"link": link})
    assert "href" not in mail.html
    assert "javascript" not in mail.text


def test_every_template_is_there_in_every_language_and_none_else() -> None:
    assert set(TYPES) == set(get_args(Template))
    for language in LANGUAGES:
        assert sorted(path.stem for path in (FOLDER / language).glob("*.jinja")) == sorted(MAILED)


def test_a_russian_mail_as_it_is() -> None:
    values = {
        "format": "parquet",
        "rows": 1_234_567,
        "bytes": 987_654_321,
        "files": 7,
        "range": {"from": "2026-01-01T00:00:00+00:00", "to": "2026-02-01T00:00:00+03:00"},
        "job_id": "0192",
    }
    mail = render("export_completed", "ru", values, "https://sluice.example")
    assert mail.subject == "Выгрузка готова, событий: 1\u00a0234\u00a0567"
    assert mail.text == (
        "Выгрузка в формате PARQUET, которую вы заказали, завершена.\n\n"
        "События: 1\u00a0234\u00a0567\n"
        "Размер: 941,9\u00a0МиБ\n"  # noqa: RUF001 (Russian)
        "Файлы: 7\n"
        "С: 01.01.2026 00:00 UTC\n"  # noqa: RUF001 (Russian)
        "По: 01.02.2026 00:00 UTC+0300\n\n"
        "Открыть выгрузку: https://sluice.example/app/exports/0192\n\n"
        "Ссылки на файлы создаются, когда вы её открываете, и действуют один час.\n\n"
        "-- \nSluice, https://sluice.example\n"
    )
    assert '<html lang="ru">' in mail.html
    assert 'href="https://sluice.example/app/exports/0192"' in mail.html


def test_an_english_mail_as_it_is() -> None:
    values = {
        "name": "Fewer purchases",
        "condition": "count < 5",
        "value": 2,
        "threshold": 5.5,
        "window": "1h",
        "since": "2026-11-21T08:00:00+00:00",
        "alert_id": "0193",
    }
    assert render("alert_firing", "en", values, "https://sluice.example").text == (
        "The alert “Fewer purchases” is firing since 2026-11-21 08:00 UTC.\n\n"
        "Condition: count < 5\nValue now: 2\nThreshold: 5.5\nWindow: 1h\n\n"
        "Open the alert: https://sluice.example/app/alerts/0193\n\n"
        "You hear of it again when it is resolved.\n\n"
        "-- \nSluice, https://sluice.example\n"
    )


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("", NoMailer),
        ("smtp://mail.example", SmtpMailer),
        ("smtps://u%40x:p%2F@mail.example:465", SmtpMailer),
        ("file:///tmp/mails", FolderMailer),
    ],
)
def test_the_url_says_how_mails_leave(url: str, kind: type) -> None:
    assert isinstance(open_mailer(url), kind)


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://", "smtp://secretword:x@h:port"])
def test_a_url_that_is_none_is_a_fault_that_shows_no_secret(url: str) -> None:
    with pytest.raises(ConfigError, match="SLUICE_SMTP_URL") as error:
        open_mailer(url)
    assert "secretword" not in str(error.value)


def test_a_login_needs_tls_unless_the_operator_says_otherwise() -> None:
    def start_tls(url: str) -> bool | None:
        mailer = open_mailer(url)
        assert isinstance(mailer, SmtpMailer)
        return mailer._start_tls

    assert start_tls("smtp://user:word@mail.example") is True
    assert start_tls("smtp://user:word@mail.example?tls=no") is None
    assert start_tls("smtp://mail.example") is None


async def test_a_kept_mail_is_one_file_however_often_it_is_sent(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Date"] = "Sat, 21 Nov 2026 08:00:00 +0000"
    message["Message-ID"] = "<0192@example.com>"
    message.set_content("Привет")
    mailer = open_mailer((tmp_path / "mails").as_uri())
    for _ in range(2):
        assert not (await mailer.send(message, "a@example.com")).error
    assert [path.name for path in (tmp_path / "mails").iterdir()] == ["20261121-080000-0192.eml"]
