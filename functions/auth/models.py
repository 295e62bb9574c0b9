"""What auth takes and gives, as JSON."""

import re
import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field

from shared.emails import clean_email
from shared.query.pages import MAX_LIMIT
from shared.security.passwords import MOST_CHARACTERS

_MOST_NAME = 200
_MOST_TOKEN = 4_096
_MOST_TYPED = 1_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _line(text: str) -> str:
    text = text.strip()
    if _CONTROL.search(text):
        raise ValueError("it holds a control character")
    return text


Email = Annotated[str, Field(max_length=_MOST_TYPED), AfterValidator(clean_email)]
Password = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]
Name = Annotated[str, Field(max_length=_MOST_NAME), AfterValidator(_line)]
Token = Annotated[str, Field(min_length=1, max_length=_MOST_TOKEN)]
Code = Annotated[str, Field(max_length=40)]
Client = Literal["api", "browser"]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]


class Body(BaseModel):
    """Fields as they are named, of the types they have; no other, and no value in a message."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Registration(Body):
    """`invitation` is the token of a mailed invitation: the account joins that organisation and makes none."""

    email: Email
    password: Password
    name: Name = Field(default="", validation_alias=AliasChoices("name", "full_name"))
    organisation: Name = Field(default="", validation_alias=AliasChoices("organisation", "company"))
    invitation: Token | Literal[""] = ""
    client: Client = "api"


class Credentials(Body):
    email: Email
    password: Password
    code: Code = ""
    client: Client = "api"


class RefreshRequest(Body):
    """`refresh_token` of an API client; a browser has it in a cookie."""

    refresh_token: Token = ""
    client: Client = "api"


class TokenRequest(Body):
    token: Token


class EmailRequest(Body):
    email: Email


class ProfileChange(Body):
    """What is left out stays; `language` is that of mails."""

    name: Name | None = None
    language: Literal["en", "ru"] | None = None


class PasswordChange(Body):
    current_password: Password
    new_password: Password


class PasswordReset(Body):
    token: Token
    new_password: Password = Field(validation_alias=AliasChoices("new_password", "password"))


class PasswordProof(Body):
    password: Password


class CodeProof(Body):
    code: Code


class Removal(Body):
    password: Password
    code: Code


class Registered(BaseModel):
    """The same whether the address was free or not: its owner is told by mail."""

    email: str
    name: str
    organisation: str
    warnings: list[str]
    next: str


class Tokens(BaseModel):
    """`refresh_token` for API clients, `csrf_token` for browsers, which get the other as a cookie."""

    access_token: str
    refresh_token: str | None = None
    csrf_token: str | None = None
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 (the kind of token, RFC 6750)
    expires_in: int
    session_id: uuid.UUID


class Introspection(BaseModel):
    """RFC 7662: of a token that is not good, `active` is false and nothing else is said."""

    active: bool
    sub: str | None = None
    sid: str | None = None
    email: str | None = None
    token_type: str | None = None
    iss: str | None = None
    aud: str | None = None
    iat: int | None = None
    exp: int | None = None


class Project(BaseModel):
    id: uuid.UUID
    name: str
    timezone: str
    organisation_id: uuid.UUID
    role: str


class Organisation(BaseModel):
    id: uuid.UUID
    name: str
    role: str
    projects: list[Project]


class Me(BaseModel):
    id: uuid.UUID
    email: str
    name: str
    language: str
    email_verified: bool
    second_factor: bool
    has_password: bool
    created_at: datetime
    session_id: uuid.UUID
    organisations: list[Organisation]
    projects: list[Project]


class SessionShown(BaseModel):
    id: uuid.UUID
    kind: str
    method: str
    address: str
    user_agent: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool


class Sessions(BaseModel):
    """A page; without `next_cursor` it is the last one."""

    sessions: list[SessionShown]
    next_cursor: uuid.UUID | None = None


class Ended(BaseModel):
    """How many sessions ended."""

    ended: int


class Accepted(BaseModel):
    state: Literal["accepted"] = "accepted"


class Changed(BaseModel):
    warnings: list[str]
    ended: int


class TotpSecret(BaseModel):
    """What an authenticator app takes: `uri` as a picture or `secret` typed."""

    secret: str
    uri: str


class RecoveryCodes(BaseModel):
    """Each works once, instead of a code; shown this once."""

    recovery_codes: list[str]


class KeySet(BaseModel):
    keys: list[dict[str, Any]]
