import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.ingest.enrich.channels import CLICK_IDS, Origin, channel, kind_of
from functions.ingest.enrich.page import MAX_TEXT, MAX_URL, NO_CAMPAIGN, page, sent_from

SHOP = "https://shop.example/"


@pytest.mark.parametrize(
    ("url", "kept", "hostname", "path"),
    [
        ("https://shop.example/a/b?x=1#top", "https://shop.example/a/b?x=1#top", "shop.example", "/a/b"),
        ("https://shop.example", "https://shop.example", "shop.example", "/"),
        ("HTTPS://Shop.Example:8443/A", "HTTPS://Shop.Example:8443/A", "shop.example", "/A"),
        ("  https://shop.example/a  ", "https://shop.example/a", "shop.example", "/a"),
        ("//shop.example/a", "//shop.example/a", "shop.example", "/a"),
        ("www.shop.example/a", "www.shop.example/a", "www.shop.example", "/a"),
        ("/pricing?plan=pro", "/pricing?plan=pro", "", "/pricing"),
        ("pricing", "pricing", "", "/pricing"),
        ("?utm_source=x", "?utm_source=x", "", "/"),
        ("#/settings", "#/settings", "", "/"),
        ("myapp://home/settings", "myapp://home/settings", "home", "/settings"),
        ("about:blank", "about:blank", "", ""),
        ("file:///C:/index.html", "file:///C:/index.html", "", ""),
        ("https://[2001:db8::1]:8080/a", "https://[2001:db8::1]:8080/a", "2001:db8::1", "/a"),
        ("http://[::1", "http://[::1", "", ""),
        ("", "", "", ""),
        ("   ", "", "", ""),
    ],
)
def test_an_address_absolute_or_relative_is_split_into_site_and_path(
    url: str, kept: str, hostname: str, path: str
) -> None:
    found = page(url, "")
    assert (found.url, found.hostname, found.path) == (kept, hostname, path)


@pytest.mark.parametrize(
    "url", ["https://anna:secret@shop.example/a", "//anna:secret@shop.example/a", "https://anna@shop.example/a"]
)
def test_user_name_and_password_are_not_kept(url: str) -> None:
    found = page(url, url)
    assert "anna" not in found.url + found.referrer
    assert found.hostname == "shop.example"


def test_an_at_sign_after_the_host_stays() -> None:
    assert page("https://shop.example/@anna?mail=a@b.example", "").url == "https://shop.example/@anna?mail=a@b.example"


def test_a_host_reads_the_same_in_unicode_and_in_punycode() -> None:
    assert page("https://xn--e1afmkfd.xn--p1ai/", "").hostname == "пример.рф"
    assert page("https://ПРИМЕР.рф/", "").hostname == "пример.рф"
    assert page("https://xn--strae-oqa.example/", "").hostname == "straße.example"
    assert page("https://xn--0.example/", "").hostname == "xn--0.example"


def test_over_long_addresses_and_campaign_values_are_cut() -> None:
    found = page(SHOP + "a" * 10_000, SHOP + "b" * 10_000, ("s" * 10_000, "", "", "", ""))
    assert (len(found.url), len(found.referrer), len(found.campaign[0])) == (MAX_URL, MAX_URL, MAX_TEXT)


@given(st.text(), st.text())
def test_no_text_makes_it_fail(url: str, referrer: str) -> None:
    page(url, referrer)
    page("https://" + url, "http://" + referrer)


def test_campaign_values_are_read_from_the_address_and_those_given_beat_them() -> None:
    url = SHOP + "?UTM_Source=news&utm_medium=e%2Dmail&utm_campaign=May+sale&utm_term=a&utm_term=b&utm_content=%00x"
    assert page(url, "").campaign == ("news", "e-mail", "May sale", "a", "x")
    assert page(url, "", ("mine", "", "", "", "")).campaign == ("mine", "e-mail", "May sale", "a", "x")
    assert page(SHOP + "?utm_source=%FF%FE", "").campaign[0] == "��"


@pytest.mark.parametrize(
    ("url", "referrer", "domain"),
    [
        (SHOP, "https://www.Other.example/x", "other.example"),
        (SHOP, "https://l.facebook.com/l.php", "l.facebook.com"),
        (SHOP, "https://www.shop.example/a", ""),
        ("https://www.shop.example/", "https://shop.example/a", ""),
        (SHOP, "https://blog.shop.example/a", ""),
        ("https://blog.shop.example/", "https://shop.example/", ""),
        (SHOP, "https://notshop.example/", "notshop.example"),
        ("/relative", "https://other.example/", "other.example"),
        (SHOP, "/relative", ""),
        (SHOP, "", ""),
    ],
)
def test_a_page_of_the_same_site_refers_without_being_a_referrer_domain(url: str, referrer: str, domain: str) -> None:
    found = page(url, referrer)
    assert found.referrer_domain == domain
    assert found.referrer == referrer


def test_a_relative_address_is_of_the_site_the_browser_names() -> None:
    found = page("/a", "https://shop.example/b", NO_CAMPAIGN, "shop.example")
    assert (found.hostname, found.referrer_domain, found.channel) == ("shop.example", "", "Internal")


@pytest.mark.parametrize(
    ("referer", "url", "site"),
    [
        ("https://shop.example/", "", "shop.example"),
        ("https://shop.example", "", "shop.example"),
        ("https://shop.example/a?b", "https://shop.example/a?b", "shop.example"),
        ("", "", ""),
        ("nonsense", "nonsense", ""),
    ],
)
def test_an_origin_as_referer_is_no_page(referer: str, url: str, site: str) -> None:
    assert sent_from(referer) == (url, site)


CHANNELS = [
    (Origin(), "Direct"),
    (Origin(internal=True), "Internal"),
    (Origin(referrer_domain="other.example"), "Referral"),
    (Origin(source="partner", referrer_domain="other.example"), "Referral"),
    (Origin(source="partner"), "Unassigned"),
    (Origin(campaign="may"), "Unassigned"),
    (Origin(source="anything", medium="strange", referrer_domain="other.example"), "Unassigned"),
    (Origin(campaign="x cross-network y", medium="cpc"), "Cross-network"),
    (Origin(source="ebay", medium="cpc"), "Paid Shopping"),
    (Origin(source="google", medium="cpc", campaign="shopping may"), "Paid Shopping"),
    (Origin(source="Google", medium="CPC"), "Paid Search"),
    (Origin(source="google", medium="cpm"), "Paid Search"),
    (Origin(referrer_domain="yandex.ru", medium="cpc"), "Paid Search"),
    (Origin(source="fb", medium="paid_social"), "Paid Social"),
    (Origin(source="youtube", medium="retargeting"), "Paid Video"),
    (Origin(source="adnet", medium="cpm"), "Display"),
    (Origin(source="adnet", medium="banner"), "Display"),
    (Origin(source="adnet", medium="ppc"), "Paid Other"),
    (Origin(referrer_domain="amazon.de"), "Organic Shopping"),
    (Origin(campaign="eshop may"), "Organic Shopping"),
    (Origin(referrer_domain="chatgpt.com"), "AI Assistants"),
    (Origin(referrer_domain="gemini.google.com"), "AI Assistants"),
    (Origin(source="perplexity"), "AI Assistants"),
    (Origin(referrer_domain="l.instagram.com"), "Organic Social"),
    (Origin(referrer_domain="t.co"), "Organic Social"),
    (Origin(referrer_domain="vk.com"), "Organic Social"),
    (Origin(source="meta"), "Organic Social"),
    (Origin(source="x1", medium="social-media"), "Organic Social"),
    (Origin(referrer_domain="m.youtube.com"), "Organic Video"),
    (Origin(source="x1", medium="video-ads"), "Organic Video"),
    (Origin(referrer_domain="google.co.uk"), "Organic Search"),
    (Origin(referrer_domain="yandex.com.tr"), "Organic Search"),
    (Origin(referrer_domain="duckduckgo.com"), "Organic Search"),
    (Origin(source="anything", medium="organic"), "Organic Search"),
    (Origin(referrer_domain="mail.google.com"), "Email"),
    (Origin(source="list", medium="e-mail"), "Email"),
    (Origin(source="newsletter"), "Email"),
    (Origin(source="x1", medium="affiliate"), "Affiliates"),
    (Origin(source="x1", medium="audio"), "Audio"),
    (Origin(source="sms"), "SMS"),
    (Origin(source="x1", medium="web-push"), "Mobile Push Notifications"),
    (Origin(source="firebase"), "Mobile Push Notifications"),
    (Origin(source="x1", medium="referral"), "Referral"),
    (Origin(referrer_domain="docs.google.com"), "Referral"),
    (Origin(referrer_domain="notgoogle.com"), "Referral"),
    (Origin(click_id="gclid"), "Paid Search"),
    (Origin(click_id="gclid", source="google", medium="organic"), "Organic Search"),
    (Origin(click_id="yclid"), "Paid Search"),
    (Origin(click_id="dclid"), "Display"),
    (Origin(click_id="ttclid"), "Paid Video"),
    (Origin(click_id="twclid"), "Paid Social"),
    (Origin(click_id="fbclid"), "Organic Social"),
    (Origin(click_id="gclid", internal=True), "Paid Search"),
]


@pytest.mark.parametrize(("origin", "expected"), CHANNELS)
def test_the_channel_follows_the_table(origin: Origin, expected: str) -> None:
    assert channel(origin) == expected


@pytest.mark.parametrize("name", CLICK_IDS)
def test_every_click_id_in_an_address_says_more_than_direct(name: str) -> None:
    assert page(f"{SHOP}?{name}=abc", "").channel not in {"Direct", "Unassigned", ""}


def test_an_everyday_word_as_a_source_is_no_site() -> None:
    assert [kind_of(word) for word in ("x", "t", "line", "mail", "shop")] == [""] * 5


def test_without_any_page_there_is_no_channel() -> None:
    assert page("", "").channel == ""
    assert page("", "", NO_CAMPAIGN, "shop.example").channel == ""
    assert page("/", "").channel == "Direct"
