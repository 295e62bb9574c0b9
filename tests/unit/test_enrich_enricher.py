"""Which source of a value wins, and what the whole of enrichment leaves in a row."""

import uuid
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from functions.ingest.enrich import Enricher, EnrichSettings, Sender
from functions.ingest.enrich.lookups import look_up, prepare
from shared.catalog.reference_tables import FIELDS, ReferenceTable
from shared.config import load
from shared.events import Row
from shared.refusals import Rejected

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
BROWSER = Sender(CHROME, "8.8.8.77", "https://shop.example/cart")
BACKEND = Sender("python-requests/2.31.0", "8.8.8.77", "", server=True)
EMPTY = Row(event="e", event_id="", timestamp="", received_at="")


@pytest.fixture(scope="module")
def enricher() -> Enricher:
    return Enricher()


def enriched(
    enricher: Enricher,
    sender: Sender = BROWSER,
    properties: dict[str, Any] | None = None,
    context: dict[str, Any] | None = None,
    **own: Any,
) -> Row:
    row = msgspec.structs.replace(EMPTY, context_raw=msgspec.Raw(msgspec.json.encode(context or {})), **own)
    enricher.enrich(row, sender, properties or {}, context or {})
    return row


def test_a_browsers_request_alone_says_program_place_and_page(enricher: Enricher) -> None:
    row = enriched(enricher)
    assert (row.browser, row.browser_version, row.os, row.device) == ("Chrome", "129", "Windows", "desktop")
    assert (row.ip, row.country) == ("8.8.8.0", "US")
    assert (row.url, row.hostname, row.path) == ("https://shop.example/cart", "shop.example", "/cart")
    assert (row.referrer, row.bot, row.library) == ("", False, "")


def test_without_any_source_nothing_is_set(enricher: Enricher) -> None:
    assert enriched(enricher, Sender(), {"plan": "pro"}) == EMPTY


PAGES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = [
    ({"url": "/own"}, {"page": {"url": "/context"}}, {"url": "/property"}, "/own"),
    ({}, {"page": {"url": "/context"}}, {"url": "/property"}, "/context"),
    ({}, {}, {"url": "/property", "page_url": "/other"}, "/property"),
    ({}, {}, {"page_url": "/other"}, "/other"),
    ({}, {"page": {"path": "/a", "search": "?b=1"}}, {}, "/a?b=1"),
    ({}, {"page": {"path": "/a"}}, {"url": "/property"}, "/property"),
    ({}, {"page": {"url": 7.5, "path": []}}, {}, "https://shop.example/cart"),
    ({}, {"page": "x"}, {"url": {"a": 1}}, "https://shop.example/cart"),
    ({}, {}, {"page": "/p", "path": "/q"}, "https://shop.example/cart"),
    ({"event": "page_view"}, {}, {"page": "/p", "path": "/q"}, "/p"),
    ({"event": "click"}, {}, {"page": "/p", "href": "/target"}, "/p"),
    ({"event": "click"}, {}, {"href": "/target"}, "https://shop.example/cart"),
]


@pytest.mark.parametrize(("own", "context", "properties", "url"), PAGES)
def test_the_events_own_address_beats_context_beats_properties_beats_the_header(
    enricher: Enricher, own: dict[str, Any], context: dict[str, Any], properties: dict[str, Any], url: str
) -> None:
    assert enriched(enricher, BROWSER, properties, context, **own).url == url


def test_an_origin_in_the_header_names_the_site_only(enricher: Enricher) -> None:
    row = enriched(enricher, Sender(CHROME, "", "https://shop.example/"))
    assert (row.url, row.hostname, row.path, row.channel) == ("", "shop.example", "", "")
    row = enriched(
        enricher, Sender(CHROME, "", "https://shop.example/"), {"url": "/a", "referrer": "https://shop.example/b"}
    )
    assert (row.hostname, row.path, row.channel) == ("shop.example", "/a", "Internal")


def test_campaign_and_referrer_follow_the_same_order(enricher: Enricher) -> None:
    context = {"campaign": {"source": "context", "name": 2026}, "page": {"referrer": "https://google.com/"}}
    properties = {"utm_source": "property", "utm_medium": "cpc", "referrer": "https://bing.com/"}
    row = enriched(enricher, BROWSER, {**properties, "url": "/?utm_source=a&utm_term=t"}, context, utm_content="own")
    assert (row.utm_source, row.utm_medium, row.utm_campaign) == ("context", "cpc", "2026")
    assert (row.utm_term, row.utm_content) == ("t", "own")
    assert (row.referrer, row.referrer_domain, row.channel) == ("https://google.com/", "google.com", "Paid Other")


def test_a_backends_own_program_and_address_are_not_its_users(enricher: Enricher) -> None:
    assert enriched(enricher, BACKEND) == EMPTY
    row = enriched(enricher, BACKEND, {}, {"userAgent": FIREFOX, "ip": "77.88.8.8"})
    assert (row.browser, row.country, row.bot) == ("Firefox", "RU", False)


def test_a_backend_that_passes_the_browsers_headers_on_is_taken_at_its_word(enricher: Enricher) -> None:
    row = enriched(enricher, BROWSER._replace(server=True))
    assert (row.browser, row.country) == ("Chrome", "US")


def test_context_beats_the_header(enricher: Enricher) -> None:
    row = enriched(enricher, BROWSER, {}, {"userAgent": FIREFOX, "ip": "77.88.8.8"})
    assert (row.browser, row.os, row.ip, row.country) == ("Firefox", "Ubuntu", "77.88.8.0", "RU")


def test_what_a_native_sdk_states_beats_its_user_agent(enricher: Enricher) -> None:
    context = {"os": {"name": "Android", "version": "15"}, "device": {"type": "tablet"}}
    row = enriched(enricher, Sender("okhttp/4.9.3"), {}, context)
    assert (row.os, row.os_version, row.device, row.bot) == ("Android", "15", "tablet", False)


def test_a_clients_own_property_is_not_a_column(enricher: Enricher) -> None:
    row = enriched(enricher, BROWSER, {"browser": "Lynx", "country": "FR", "ip": "77.88.8.8", "device": "toaster"})
    assert (row.browser, row.country, row.device) == ("Chrome", "US", "desktop")


def test_a_bot_is_flagged_and_kept(enricher: Enricher) -> None:
    row = enriched(enricher, Sender("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"))
    assert (row.bot, row.bot_reason) == (True, "search-engine: Googlebot")
    assert enriched(enricher, Sender("curl/8.1")).bot_reason == "http-library: curl"


def test_an_sdk_that_says_who_it_is_is_no_bot_whatever_it_speaks_http_with(enricher: Enricher) -> None:
    library = {"library": {"name": "sluice-python", "version": "1.2"}}
    row = enriched(enricher, Sender("python-requests/2.31.0"), {}, library)
    assert (row.bot, row.library, row.library_version) == (False, "sluice-python", "1.2")
    assert enriched(enricher, Sender("UptimeRobot/2.0"), {}, library).bot


def test_no_full_address_is_left_in_the_row(enricher: Enricher) -> None:
    row = enriched(enricher, BROWSER, {}, {"ip": "77.88.8.55", "page": {"url": "/"}})
    assert b"77.88.8.55" not in msgspec.json.encode(row)
    assert bytes(row.context_raw) == b'{"ip":"77.88.8.0","page":{"url":"/"}}'


def test_the_operator_may_keep_or_drop_addresses() -> None:
    context = {"ip": "77.88.8.55"}
    kept = enriched(Enricher(EnrichSettings(keep_address="keep")), BROWSER, {}, context)
    assert (kept.ip, kept.country, bytes(kept.context_raw)) == ("77.88.8.55", "RU", b'{"ip":"77.88.8.55"}')
    dropped = enriched(Enricher(EnrichSettings(keep_address="drop")), BROWSER, {}, context)
    assert (dropped.ip, dropped.country, bytes(dropped.context_raw)) == ("", "RU", b'{"ip":""}')


def test_without_a_usable_country_file_events_are_taken_without_a_country() -> None:
    row = enriched(Enricher(EnrichSettings(geo_file="/nowhere/geo.mmdb")))
    assert (row.ip, row.country, row.browser) == ("8.8.8.0", "", "Chrome")
    assert REGISTRY.get_sample_value("sluice_ingest_country_file_built_timestamp_seconds") == 0
    Enricher()
    built = REGISTRY.get_sample_value("sluice_ingest_country_file_built_timestamp_seconds")
    assert built is not None
    assert built > 1_700_000_000


def test_the_settings_have_the_documented_names_and_values() -> None:
    settings = load(EnrichSettings, {"SLUICE_IP": "drop", "SLUICE_GEO_FILE": "/x", "SLUICE_TRUSTED_PROXIES": "2"})
    assert settings == EnrichSettings(keep_address="drop", geo_file="/x", trusted_proxies="2")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["url", "page_url", "page", "path", "referrer", "campaign", "utm_source", "userAgent", "ip", "library", "os"]
NAMES += ["device", "source", "name", "version", "type", "revenue", "price", "quantity", "currency", "search", "href"]
OBJECT = st.dictionaries(st.sampled_from(NAMES), JSON | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))


@given(
    st.sampled_from(["page_view", "click", "purchase", "identify", "x"]),
    st.tuples(st.text(), st.text(), st.text(), st.booleans()),
    OBJECT,
    OBJECT,
)
def test_whatever_is_sent_is_enriched_or_refused_and_fits_into_a_record(
    enricher: Enricher,
    event: str,
    sender: tuple[str, str, str, bool],
    properties: dict[str, Any],
    context: dict[str, Any],
) -> None:
    try:
        row = enriched(enricher, Sender(*sender), properties, context, event=event)
    except Rejected:
        assert event == "identify"
        return
    again = msgspec.json.decode(msgspec.json.encode(row), type=Row)
    assert (again.url, again.utm_source, again.ip) == (row.url, row.utm_source, row.ip)


def _table(field: str, rows: dict[str, dict[str, str]], name: str = "t") -> ReferenceTable:
    return ReferenceTable(name, field, uuid.uuid4(), rows)


@pytest.mark.parametrize(
    ("field", "properties", "found"),
    [
        ("properties.sku", {"sku": "7"}, {"t.name": "Boots"}),
        ("properties.sku", {"sku": 7}, {"t.name": "Boots"}),
        ("properties.sku", {"sku": 7.0}, {"t.name": "Boots"}),
        ("properties.sku", {"sku": 7.5}, {"t.name": "Half"}),
        ("properties.on", {"on": True}, {"t.name": "Yes"}),
        ("properties.item.sku", {"item": {"sku": "7"}}, {"t.name": "Boots"}),
        ("properties.item.sku", {"item": ["7"]}, {}),
        ("properties.item.sku", {"item": "7"}, {}),
        ("properties.sku", {"sku": None}, {}),
        ("properties.sku", {"sku": ["7"]}, {}),
        ("properties.sku", {"sku": "8"}, {}),
        ("properties.sku", {}, {}),
        ("country", {"country": "7"}, {"t.name": "America"}),
    ],
)
def test_a_value_is_looked_up_by_its_text(field: str, properties: dict[str, Any], found: dict[str, str]) -> None:
    names = {"7": "Boots", "7.5": "Half", "true": "Yes", "US": "America"}
    table = _table(field, {key: {"name": name} for key, name in names.items()})
    row = msgspec.structs.replace(EMPTY, country="US")
    look_up(row, properties, [prepare(table)])
    assert row.lookups == found


def test_tables_add_up_and_may_look_up_what_enrichment_found(enricher: Enricher) -> None:
    rules = [
        prepare(_table("country", {"US": {"name": "America", "region": "AMER"}}, "countries")),
        prepare(_table("properties.sku", {"7": {"name": "Boots"}}, "products")),
    ]
    row = msgspec.structs.replace(EMPTY)
    enricher.enrich(row, BROWSER, {"sku": 7}, {}, rules)
    assert row.lookups == {"countries.name": "America", "countries.region": "AMER", "products.name": "Boots"}
    other = msgspec.structs.replace(EMPTY)
    enricher.enrich(other, Sender(), {}, {}, rules)
    assert other.lookups == {}


def test_every_column_that_can_be_looked_up_is_a_text_of_the_row() -> None:
    assert {name: type(getattr(EMPTY, name)) for name in FIELDS} == dict.fromkeys(FIELDS, str)
