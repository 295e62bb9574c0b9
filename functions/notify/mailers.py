"""How mails leave: by SMTP, or into a folder where a person looks at them."""

import asyncio
import re
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from shared.catalog.deliveries import Outcome
from shared.config import ConfigError

SECONDS = 20.0
_PORTS = {"smtp": 587, "smtps": 465}
_ADDRESS = re.compile(r'[^\s@<>,;:"\x00-\x20]+@[^\s@<>,;:"\x00-\x20]+')
_PERMANENT = 500


class Mailer(Protocol):
    """Sends one mail. `folder` is where it keeps them, None where they go out."""

    folder: Path | None

    async def send(self, message: EmailMessage, address: str) -> Outcome: ...


def open_mailer(url: str) -> Mailer:
    """The mailer behind a URL: smtp://, smtps:// or file://; '' is one that says what is missing.

    `?tls=no` allows smtp:// to send a login to a server without STARTTLS. Raises ConfigError; it never shows the URL.
    """
    if not url:
        return NoMailer()
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(["SLUICE_SMTP_URL has no usable port"]) from error
    if parts.scheme == "file" and parts.path:
        return FolderMailer(Path(unquote(parts.path)))
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ConfigError(["SLUICE_SMTP_URL is not smtp://…, smtps://… or file:///…"])
    return SmtpMailer(
        parts.hostname,
        port or _PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=parts.scheme == "smtps",
        clear_login=parse_qs(parts.query).get("tls") == ["no"],
    )


class NoMailer:
    """Nobody said how mails are sent: they wait, and the log of deliveries says for what."""

    folder: Path | None = None

    async def send(self, message: EmailMessage, address: str) -> Outcome:  # noqa: ARG002 (as every mailer)
        return Outcome(error="there is no mail server: the operator sets SLUICE_SMTP_URL")


class FolderMailer:
    """Keeps each mail as a file of its own, named by time and id: a repeat takes the place of the first."""

    def __init__(self, folder: Path) -> None:
        self.folder: Path | None = folder
        self._folder = folder

    async def send(self, message: EmailMessage, address: str) -> Outcome:  # noqa: ARG002 (as every mailer)
        try:
            await asyncio.to_thread(self._keep, message)
        except OSError as error:
            return Outcome(error=f"the mail could not be kept: {error.strerror}")
        return Outcome(answer=f"kept in {self._folder}")

    def _keep(self, message: EmailMessage) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        sent = message["Date"].datetime
        name = f"{sent:%Y%m%d-%H%M%S}-{message['Message-ID'].strip('<>').partition('@')[0]}"
        fresh = self._folder / f"{name}.new"
        fresh.write_bytes(message.as_bytes(policy=SMTP))
        fresh.replace(self._folder / f"{name}.eml")


class SmtpMailer:
    """Sends by SMTP, a connection a mail; with a login never in clear text unless `clear_login` says so."""

    folder: Path | None = None

    def __init__(self, host: str, port: int, *, user: str, password: str, tls: bool, clear_login: bool) -> None:
        self._host = host
        self._port = port
        self._user = user
        self._password = password
        self._tls = tls
        self._start_tls = None if tls or clear_login or not user else True

    async def send(self, message: EmailMessage, address: str) -> Outcome:
        """Hand the mail over; what the server refuses for good (5xx for this recipient or this mail) is final."""
        import aiosmtplib

        if not _ADDRESS.fullmatch(address):
            return Outcome(error=f"{address!r} is not an e-mail address", final=True)
        try:
            async with asyncio.timeout(SECONDS):
                _, answer = await aiosmtplib.send(
                    message,
                    recipients=[address],
                    hostname=self._host,
                    port=self._port,
                    username=self._user or None,
                    password=self._password or None,
                    use_tls=self._tls,
                    start_tls=False if self._tls else self._start_tls,
                    timeout=SECONDS,
                )
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _refused(error.recipients[0].code, error.recipients[0].message)
        except aiosmtplib.SMTPDataError as error:
            return _refused(error.code, error.message)
        except aiosmtplib.SMTPResponseException as error:
            return Outcome(status=error.code, error=f"the mail server answered {error.code}: {_line(error.message)}")
        except aiosmtplib.SMTPNotSupported as error:
            return Outcome(error=f"the mail server cannot take it: {_line(str(error))}", final=not address.isascii())
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ssl.SSLError) as error:
            return Outcome(error=f"the mail server did not take it: {_line(str(error)) or type(error).__name__}")
        return Outcome(status=250, answer=_line(answer))


def _refused(code: int, message: str) -> Outcome:
    error = f"the mail server refused it with {code}: {_line(message)}"
    return Outcome(status=code, error=error, final=code >= _PERMANENT)


def _line(text: str) -> str:
    return " ".join(text.split())[:300]
