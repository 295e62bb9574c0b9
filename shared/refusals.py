"""Every reason for which something is refused: one closed list.

The same value is the `code` of the HTTP problem, the `reason` of a rejected event, the metric's label, the log
field and the column in `rejected_events`. Adding a member without its row in `describe` fails the type check.
"""

from enum import StrEnum
from typing import NamedTuple, assert_never


class Refusal(StrEnum):
    """A stable code; never renamed once released."""

    # the request
    MALFORMED_JSON = "malformed_json"
    WRONG_SHAPE = "wrong_shape"
    BAD_REQUEST = "bad_request"
    HEADERS_TOO_LARGE = "headers_too_large"
    BODY_TOO_LARGE = "body_too_large"
    BODY_TOO_SLOW = "body_too_slow"
    BAD_ENCODING = "bad_encoding"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    TOO_MANY_EVENTS = "too_many_events"
    BAD_IDEMPOTENCY_KEY = "bad_idempotency_key"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    NOT_A_CLOUDEVENT = "not_a_cloudevent"
    UNEXPECTED_EVENT_TYPE = "unexpected_event_type"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CONFLICT = "conflict"
    GONE = "gone"
    VERSION_MISSING = "version_missing"
    VERSION_CHANGED = "version_changed"
    LAST_OWNER = "last_owner"
    WRONG_ACCOUNT = "wrong_account"
    BAD_VALUE = "bad_value"
    # who asks
    KEY_MISSING = "key_missing"
    KEY_UNKNOWN = "key_unknown"
    KEY_EXPIRED = "key_expired"
    KEY_REVOKED = "key_revoked"
    SCOPE_MISSING = "scope_missing"
    TOKEN_MISSING = "token_missing"  # noqa: S105 (a code, not a password)
    TOKEN_REQUIRED = "token_required"  # noqa: S105 (a code, not a password)
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 (a code, not a password)
    BAD_CREDENTIALS = "bad_credentials"
    SECOND_FACTOR_REQUIRED = "second_factor_required"
    BAD_CODE = "bad_code"
    ACCOUNT_BLOCKED = "account_blocked"
    TOKEN_UNKNOWN = "token_unknown"  # noqa: S105 (a code, not a password)
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 (a code, not a password)
    CSRF_MISSING = "csrf_missing"
    WEAK_PASSWORD = "weak_password"  # noqa: S105 (a code, not a password)
    ROLE_MISSING = "role_missing"
    PROJECT_REQUIRED = "project_required"
    ORGANISATION_REQUIRED = "organisation_required"
    PROJECT_FORBIDDEN = "project_forbidden"
    ORIGIN_FORBIDDEN = "origin_forbidden"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXCEEDED = "quota_exceeded"
    # one event
    NOT_AN_OBJECT = "not_an_object"
    WRONG_TYPE = "wrong_type"
    NAME_MISSING = "name_missing"
    NAME_TOO_LONG = "name_too_long"
    VALUE_TOO_LONG = "value_too_long"
    BAD_ID = "bad_id"
    USER_ID_MISSING = "user_id_missing"
    BAD_TIMESTAMP = "bad_timestamp"
    BAD_TEXT = "bad_text"
    BAD_PROPERTIES = "bad_properties"
    DUPLICATE_KEY = "duplicate_key"
    TOO_MANY_PROPERTIES = "too_many_properties"
    TOO_DEEP = "too_deep"
    EVENT_TOO_LARGE = "event_too_large"
    SCHEMA_MISMATCH = "schema_mismatch"
    STORE_REFUSED = "store_refused"
    PERSON_ERASED = "person_erased"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    # a query
    BAD_RANGE = "bad_range"
    BAD_TIMEZONE = "bad_timezone"
    BAD_SCHEDULE = "bad_schedule"
    BAD_FILTER = "bad_filter"
    BAD_MEASURE = "bad_measure"
    BAD_SQL = "bad_sql"
    BAD_QUESTION = "bad_question"
    BAD_SEGMENT = "bad_segment"
    BAD_SCHEMA = "bad_schema"
    SCHEMA_INCOMPATIBLE = "schema_incompatible"
    BAD_CURSOR = "bad_cursor"
    UNKNOWN_FIELD = "unknown_field"
    BAD_REFERENCE_TABLE = "bad_reference_table"
    BAD_DESTINATION = "bad_destination"
    BAD_LINK = "bad_link"
    QUERY_TOO_EXPENSIVE = "query_too_expensive"
    # ourselves
    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class Description(NamedTuple):
    """HTTP status, whether repeating the same request can help, and one sentence for people."""

    status: int
    retryable: bool
    title: str


def describe(refusal: Refusal) -> Description:  # noqa: C901, PLR0912, PLR0915 (one line a member)
    """What a refusal means; complete by construction."""
    match refusal:
        case Refusal.MALFORMED_JSON:
            return Description(400, False, "The body is not valid JSON.")
        case Refusal.WRONG_SHAPE:
            return Description(
                400, False, "The body is neither an event, a list of events nor an object with `events`."
            )
        case Refusal.BAD_REQUEST:
            return Description(400, False, "The request cannot be understood.")
        case Refusal.BODY_TOO_LARGE:
            return Description(413, False, "The request is too large; send fewer events in one request.")
        case Refusal.HEADERS_TOO_LARGE:
            return Description(431, False, "The address and the headers of the request are too large.")
        case Refusal.BODY_TOO_SLOW:
            return Description(408, True, "The body did not arrive in time.")
        case Refusal.BAD_ENCODING:
            return Description(400, False, "The packed body is cut off or corrupt.")
        case Refusal.UNSUPPORTED_MEDIA_TYPE:
            return Description(415, False, "The body is of a type or in an encoding that is not taken here.")
        case Refusal.TOO_MANY_EVENTS:
            return Description(413, False, "There are too many events in one request; split it.")
        case Refusal.BAD_IDEMPOTENCY_KEY:
            return Description(400, False, "The `Idempotency-Key` is not usable.")
        case Refusal.IDEMPOTENCY_KEY_REUSED:
            return Description(422, False, "The `Idempotency-Key` was used for another body; take a new one.")
        case Refusal.NOT_A_CLOUDEVENT:
            return Description(400, False, "The request is not a valid CloudEvent.")
        case Refusal.UNEXPECTED_EVENT_TYPE:
            return Description(422, False, "This function does not handle that event type.")
        case Refusal.NOT_FOUND:
            return Description(404, False, "There is nothing at this address.")
        case Refusal.METHOD_NOT_ALLOWED:
            return Description(405, False, "This address does not answer that method.")
        case Refusal.CONFLICT:
            return Description(409, False, "The state of what is there does not allow this.")
        case Refusal.GONE:
            return Description(410, False, "It was here and is gone for good.")
        case Refusal.VERSION_MISSING:
            return Description(428, False, "Say which version you change: send its `ETag` as `If-Match`.")
        case Refusal.VERSION_CHANGED:
            return Description(412, False, "Somebody changed it meanwhile: read it again, and change that.")
        case Refusal.LAST_OWNER:
            return Description(409, False, "An organisation must have an owner, and this is the last one.")
        case Refusal.WRONG_ACCOUNT:
            return Description(403, False, "The invitation is for another address than the account's.")
        case Refusal.BAD_VALUE:
            return Description(422, False, "A field is missing, or has a value that is not taken.")
        case Refusal.KEY_MISSING:
            return Description(401, False, "An API key is needed: send it as `X-API-Key`.")
        case Refusal.KEY_UNKNOWN:
            return Description(401, False, "The API key is not known.")
        case Refusal.KEY_EXPIRED:
            return Description(403, False, "The API key has expired.")
        case Refusal.KEY_REVOKED:
            return Description(403, False, "The API key was revoked.")
        case Refusal.SCOPE_MISSING:
            return Description(403, False, "The API key lacks the scope for this.")
        case Refusal.TOKEN_MISSING:
            return Description(401, False, "Sign in first: send an access token as `Authorization: Bearer …`.")
        case Refusal.TOKEN_REQUIRED:
            return Description(403, False, "This is for people who are signed in: send a token as `Bearer`, not a key.")
        case Refusal.TOKEN_REVOKED:
            return Description(401, False, "The session has ended; sign in again.")
        case Refusal.BAD_CREDENTIALS:
            return Description(401, False, "The e-mail address or the password is wrong.")
        case Refusal.SECOND_FACTOR_REQUIRED:
            return Description(401, False, "The account has a second factor: send its `code`, or a recovery code.")
        case Refusal.BAD_CODE:
            return Description(401, False, "The code is wrong, or was used already.")
        case Refusal.ACCOUNT_BLOCKED:
            return Description(
                403, False, "The account is blocked; an administrator of the organisation can let it in."
            )
        case Refusal.TOKEN_UNKNOWN:
            return Description(401, False, "The token is not one of ours, or was changed.")
        case Refusal.TOKEN_EXPIRED:
            return Description(401, False, "The token has expired; refresh it.")
        case Refusal.CSRF_MISSING:
            return Description(
                403, False, "A browser's session needs the header `X-CSRF-Token` with what signing in gave."
            )
        case Refusal.WEAK_PASSWORD:
            return Description(422, False, "The password is too easy to guess.")
        case Refusal.ROLE_MISSING:
            return Description(403, False, "The role held in this organisation does not allow this.")
        case Refusal.PROJECT_REQUIRED:
            return Description(409, False, "Several projects are open to you: name one as `X-Project-Id`.")
        case Refusal.ORGANISATION_REQUIRED:
            return Description(409, False, "Say which organisation is meant: name one as `organisation_id`.")
        case Refusal.PROJECT_FORBIDDEN:
            return Description(403, False, "The project is not there, or it is not open to you.")
        case Refusal.ORIGIN_FORBIDDEN:
            return Description(403, False, "The project takes no events from pages of this origin.")
        case Refusal.RATE_LIMITED:
            return Description(429, True, "Too many requests; slow down and try again later.")
        case Refusal.QUOTA_EXCEEDED:
            return Description(429, True, "The project's daily number of events is used up; nothing was stored.")
        case Refusal.NOT_AN_OBJECT:
            return Description(422, False, "An event must be a JSON object.")
        case Refusal.WRONG_TYPE:
            return Description(422, False, "A field has the wrong type.")
        case Refusal.NAME_MISSING:
            return Description(422, False, "The event has no name: set `event` to a non-empty text.")
        case Refusal.NAME_TOO_LONG:
            return Description(422, False, "The event name is too long.")
        case Refusal.VALUE_TOO_LONG:
            return Description(422, False, "An identifier is too long.")
        case Refusal.USER_ID_MISSING:
            return Description(422, False, "The event says who somebody is, and has no `user_id`.")
        case Refusal.BAD_ID:
            return Description(422, False, "The event id is not usable.")
        case Refusal.BAD_TIMESTAMP:
            return Description(422, False, "The timestamp is not usable.")
        case Refusal.BAD_TEXT:
            return Description(422, False, "A text holds a null character or half a surrogate pair.")
        case Refusal.BAD_PROPERTIES:
            return Description(422, False, "The properties cannot be stored as they are.")
        case Refusal.DUPLICATE_KEY:
            return Description(422, False, "A JSON object names the same key twice.")
        case Refusal.TOO_MANY_PROPERTIES:
            return Description(422, False, "The event has too many properties.")
        case Refusal.TOO_DEEP:
            return Description(422, False, "The event is nested too deeply.")
        case Refusal.EVENT_TOO_LARGE:
            return Description(413, False, "The event is too large.")
        case Refusal.SCHEMA_MISMATCH:
            return Description(422, False, "The properties are not as the project's schema of the event says.")
        case Refusal.STORE_REFUSED:
            return Description(422, False, "The warehouse refused the event's content.")
        case Refusal.PERSON_ERASED:
            return Description(422, False, "The event is of a person who was erased; its content is not kept.")
        case Refusal.CONSENT_WITHDRAWN:
            return Description(422, False, "The event is of a person who withdrew consent; its content is not kept.")
        case Refusal.BAD_RANGE:
            return Description(422, False, "The time range is not usable.")
        case Refusal.BAD_TIMEZONE:
            return Description(422, False, "The timezone is not a known IANA name.")
        case Refusal.BAD_SCHEDULE:
            return Description(422, False, "The schedule is not usable.")
        case Refusal.BAD_FILTER:
            return Description(422, False, "A filter is not usable.")
        case Refusal.BAD_MEASURE:
            return Description(422, False, "The measure is not known.")
        case Refusal.BAD_SQL:
            return Description(422, False, "The statement is not one SELECT over the project's own tables.")
        case Refusal.BAD_QUESTION:
            return Description(422, False, "The question cannot be asked like this.")
        case Refusal.BAD_SEGMENT:
            return Description(422, False, "The segment cannot be defined like this.")
        case Refusal.BAD_SCHEMA:
            return Description(422, False, "The JSON Schema is not usable.")
        case Refusal.SCHEMA_INCOMPATIBLE:
            return Description(409, False, "The new version breaks the compatibility that its schema promises.")
        case Refusal.BAD_CURSOR:
            return Description(422, False, "The cursor is not one of this query; ask for the first page again.")
        case Refusal.BAD_REFERENCE_TABLE:
            return Description(422, False, "The reference table is not usable.")
        case Refusal.BAD_DESTINATION:
            return Description(422, False, "The destination is not known or cannot be written to.")
        case Refusal.BAD_LINK:
            return Description(403, False, "The link has expired or was changed; ask for a new one.")
        case Refusal.UNKNOWN_FIELD:
            return Description(422, False, "The query has a field that is not known.")
        case Refusal.QUERY_TOO_EXPENSIVE:
            return Description(422, False, "The query would read or keep too much; narrow it.")
        case Refusal.OVERLOADED:
            return Description(429, True, "Too much is in flight; try again shortly.")
        case Refusal.UNAVAILABLE:
            return Description(503, True, "A part this needs is away; repeat the whole request unchanged.")
        case Refusal.INTERNAL:
            return Description(500, True, "Something failed here; the request id finds it in the logs.")
        case _:
            assert_never(refusal)


class Rejected(Exception):  # noqa: N818 (a signal, not a fault of the program)
    """Ends a request or one event with a refusal; `detail` says what exactly to change.

    `extra` are further members of the problem, `headers` go with the answer.
    """

    def __init__(self, refusal: Refusal, detail: str = "", **extra: object) -> None:
        super().__init__(f"{refusal}: {detail}")
        self.refusal = refusal
        self.detail = detail
        self.extra = extra
        self.headers: dict[str, str] = {}


class UnavailableError(Exception):
    """A part we depend on (bus, warehouse, catalog) is away or slow; answered as 503 with Retry-After."""

    retry_after_seconds = 1
