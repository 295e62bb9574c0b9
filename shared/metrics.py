"""Every metric of the functions, with its meaning beside it; docs/metrics.md is generated from here."""

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# A second series beside each counter and histogram that says when it began, which nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

HTTP_SECONDS = Histogram(
    "sluice_http_request_seconds",
    "Time from the head of a request to its answer, by function and status; its count is the number of requests.",
    ["function", "status"],
    buckets=_FAST,
)

INGEST_EVENTS = Counter(
    "sluice_ingest_events_total",
    "Events accepted, or refused by reason ('accepted' is a reason too).",
    ["reason"],
)
INGEST_SCHEMA_WARNINGS = Counter(
    "sluice_ingest_schema_warnings_total",
    "Accepted events that are not as their project's schema says, of projects whose mode is warn.",
)
INGEST_STEP_SECONDS = Histogram(
    "sluice_ingest_step_seconds",
    "Time of each step of the ingest pipeline, by step; one request in 16 is timed.",
    ["step"],
    buckets=_FAST,
)
INGEST_FLUSH_EVENTS = Histogram(
    "sluice_ingest_flush_events",
    "Events written to the bus by one flush of the group commit.",
    buckets=(1, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000, 10_000),
)
INGEST_WAITING_BYTES = Gauge("sluice_ingest_waiting_bytes", "Bytes of accepted events that wait for the bus.")
COUNTRY_FILE_BUILT = Gauge(
    "sluice_ingest_country_file_built_timestamp_seconds",
    "When the data countries are looked up in was built, in seconds since 1970; 0 without a usable file.",
)

# The three names on batch_write are an outside contract: dashboards of older deployments ask for them.
PROCESSED_TOTAL = Counter("processed_total", "Events batch_write stored in the warehouse.")
BATCH_LATENCY_MS = Histogram(
    "batch_latency_ms",
    "Milliseconds from the first record of a batch to its answer after the insert.",
    buckets=(5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000),
)
RECORD_AGE_SECONDS = Histogram(
    "sluice_record_age_seconds",
    "Seconds from when ingest took a record to when its events are stored and count; each record once a storing.",
    buckets=(0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600),
)
RETRIES_TOTAL = Counter("retries_total", "Records answered 503 or 429, which the source sends again.")
BATCH_REJECTED = Counter(
    "sluice_batch_write_rejected_total", "Events the warehouse refused for their content, kept as rejected."
)
PEOPLE_REFUSED = Counter(
    "sluice_people_refused_total",
    "Events, rejected ones too, whose content was not kept for the person it names: person_erased, consent_withdrawn.",
    ["reason"],
)

DEAD_LETTERS = Counter(
    "sluice_dead_letters_total",
    "Dead letters looked at, by the function they were meant for and what became of them: resent, kept for people,"
    " queued behind the others, or waits.",
    ["sink", "became"],
)

FORWARD_FAILURES = Counter(
    "sluice_forward_failures_total",
    "Requests that a function behind the gateway did not answer, by function.",
    ["service"],
)
RATE_LIMITED = Counter(
    "sluice_rate_limited_total", "Requests refused for their rate or a project's quota, by the limit.", ["limit"]
)

DELIVERIES = Counter(
    "sluice_deliveries_total",
    "Tries to deliver a notification, by channel (mail or webhook) and what became of it: delivered, retried later, or"
    " failed for good.",
    ["channel", "became"],
)
QUERY_ANSWERS = Counter(
    "sluice_query_answers_total",
    "Answers to statements: kept from before, shared with the same question under way, or asked of the warehouse.",
    ["from"],
)
QUERY_REFUSED = Counter(
    "sluice_query_refused_total",
    "Statements that the cost guard refused, by what they exceeded: rows, groups, memory_bytes, seconds, values,"
    " answer_rows, at_once or budget.",
    ["exceeded"],
)
ROLLUP_HOURS = Counter("sluice_rollup_hours_total", "Hours rolled up, each time again.")
ROLLUP_DUE = Gauge("sluice_rollup_due_hours", "Hours that were left to roll up after the last run.")
SESSION_DAYS = Counter("sluice_rollup_session_days_total", "Days whose sessions were made, each time again.")
SESSION_DAYS_DUE = Gauge("sluice_rollup_session_due_days", "Days whose sessions were left to make.")
LIVE_STREAMS = Gauge("sluice_live_streams", "Live streams that are open.")

QUERY_SECONDS = Histogram("sluice_query_seconds", "Time of a query in the warehouse.", ["function"], buckets=_FAST)

LEDGER_CHECKED = Counter("sluice_ledger_checked_records_total", "Records of the bus that the ledger check looked for.")
LEDGER_GAPS = Gauge(
    "sluice_ledger_gaps", "Gaps in the ledger that nobody has explained: acknowledged, and not written."
)
LEDGER_CHECKED_AT = Gauge(
    "sluice_ledger_checked_timestamp_seconds", "When the ledger was checked last, in seconds since 1970."
)
BACKUP_BYTES = Gauge("sluice_backup_bytes", "Bytes the last copy was made of, files of earlier copies included.")
BACKUP_HOLDS_UNTIL = Gauge(
    "sluice_backup_holds_until_timestamp_seconds",
    "Every event accepted before is in the newest copy, in seconds since 1970.",
)
BACKUPS_TOTAL = Counter("sluice_backups_total", "Copies made, verified and drilled, by outcome.", ["what", "outcome"])
