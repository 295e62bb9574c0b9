"""User-Agents: browser, system and device; bots."""

import pytest

from functions.ingest.enrich.bots import Bots, _read_list
from functions.ingest.enrich.user_agent import Client, UserAgents, stated

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36"
)
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/17.5 Mobile/15E148 Safari/604.1"
)
PHONE = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Mobile Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
YANDEX = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 YaBrowser/24.7.0.0 Safari/537.36"
)
PEOPLE = [CHROME, SAFARI, PHONE, FIREFOX, YANDEX]


@pytest.fixture(scope="module")
def agents() -> UserAgents:
    return UserAgents()


@pytest.fixture(scope="module")
def bots() -> Bots:
    return Bots()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CHROME, Client("Chrome", "129", "Windows", "10", "desktop")),
        (SAFARI, Client("Mobile Safari", "17.5", "iOS", "17.5", "mobile")),
        (PHONE, Client("Chrome Mobile", "129", "Android", "10", "mobile")),
        (FIREFOX, Client("Firefox", "120", "Ubuntu", "", "desktop")),
        (YANDEX, Client("Yandex Browser", "24.7", "Windows", "10", "desktop")),
        ("weird", Client(device="other")),
        ("", Client()),
    ],
)
def test_a_user_agent_names_browser_system_and_kind_of_device(agents: UserAgents, text: str, expected: Client) -> None:
    assert agents.of(text) == expected


@pytest.mark.parametrize(
    ("part", "device"),
    [
        ("Linux; Android 13; SM-X900", "tablet"),
        ("iPad; CPU OS 16_0 like Mac OS X", "tablet"),
        ("SMART-TV; Linux; Tizen 6.0", "tv"),
        ("Linux; Android 9; AFTMM Build/PS7633", "tv"),
        ("Web0S; Linux/SmartTV", "tv"),
        ("PlayStation; PlayStation 5/2.26", "console"),
        ("Windows NT 10.0; Win64; x64; Xbox; Xbox One", "console"),
        ("Linux; Android 11; SM-R890 Watch", "wearable"),
        ("X11; CrOS x86_64 14541.0.0", "desktop"),
        ("Macintosh; Intel Mac OS X 10_15_7", "desktop"),
    ],
)
def test_the_kind_of_device_is_told_by_the_makers_words(agents: UserAgents, part: str, device: str) -> None:
    assert agents.of(f"Mozilla/5.0 ({part}) AppleWebKit/537.36 (KHTML, like Gecko)").device == device


@pytest.mark.parametrize("text", PEOPLE)
def test_people_are_no_bots(bots: Bots, text: str) -> None:
    assert bots.reason(text) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "search-engine: Googlebot"),
        ("Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)", "ai-crawler: GPTBot"),
        (CHROME.replace("Chrome/", "HeadlessChrome/"), "browser-automation: HeadlessChrome"),
        ("UptimeRobot/2.0", "monitoring: UptimeRobot"),
        ("python-requests/2.31.0", "http-library: python-requests"),
        ("curl/8.1.2", "http-library: curl"),
        ("PostmanRuntime/7.36.0", "http-library: PostmanRuntime"),
        ("Java/17.0.2", "http-library: Java"),
        ("Acme Spider 3", "other: Spider"),
    ],
)
def test_a_program_is_a_bot_and_the_reason_says_of_what_kind(bots: Bots, text: str, reason: str) -> None:
    assert bots.reason(text) == reason


@pytest.mark.parametrize(
    "text",
    [
        "okhttp/4.9.3",
        "Shop/3.1 CFNetwork/1410.0.3 Darwin/22.6.0",
        "Amazon CloudFront",
        "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/80.0 Mobile",
        "",
    ],
)
def test_phone_apps_caches_and_silence_are_no_bots(bots: Bots, text: str) -> None:
    assert bots.reason(text) == ""


def test_the_short_way_for_common_browsers_hides_no_known_bot(bots: Bots) -> None:
    known = [example for crawler in _read_list() for example in crawler.instances]
    assert len(known) > 2_000
    missed = [text for text in known if not bots.reason(text)]
    assert all("okhttp" in text or "HttpUrlConnection" in text or text == "Amazon CloudFront" for text in missed)


def test_a_native_sdk_states_its_system_and_device() -> None:
    context = {"os": {"name": "iOS", "version": "18.1"}, "device": {"type": "ios"}}
    assert stated(context) == Client(os="iOS", os_version="18.1", device="mobile")
    assert stated({"os": "iOS", "device": {"type": "tablet"}}) == Client(device="tablet")
    assert stated({"os": {"name": 7}, "device": {"type": "fridge"}}) == Client()
