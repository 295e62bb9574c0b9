"""What the made-up shop has: its goods, its pages, its visitors' browsers and names, and where visitors come from."""

from typing import Any, NamedTuple

HOST = "https://demo-shop.example"
ZONE = "Europe/Berlin"
CURRENCY = "EUR"


class Product(NamedTuple):
    """One of the goods; `cents` is the price of one piece in CURRENCY."""

    key: str
    category: str
    cents: int
    name: str
    name_ru: str

    @property
    def path(self) -> str:
        return f"/{self.category}/{self.key}"

    def described(self, language: str) -> dict[str, Any]:
        """Its properties in an event, named in the visitor's language (`ru`, else English)."""
        return {
            "product": self.key,
            "product_name": self.name_ru if language == "ru" else self.name,
            "category": self.category,
            "price": self.cents / 100,
            "currency": CURRENCY,
        }


PRODUCTS = (
    Product("teapot", "kitchen", 3490, "Glass teapot", "Стеклянный чайник"),
    Product("kettle", "kitchen", 5900, "Enamel kettle", "Эмалированный чайник"),
    Product("bread-knife", "kitchen", 2750, "Bread knife", "Хлебный нож"),
    Product("apron", "kitchen", 1995, "Linen apron", "Льняной фартук"),
    Product("frying-pan", "kitchen", 4450, "Cast-iron pan", "Чугунная сковорода"),
    Product("watering-can", "garden", 2400, "Watering can", "Лейка"),
    Product("seed-box", "garden", 1250, "Box of seeds", "Коробка семян"),
    Product("secateurs", "garden", 4199, "Secateurs", "Секатор"),
    Product("lantern", "garden", 1890, "Garden lantern", "Садовый фонарь"),
    Product("desk-lamp", "home", 7900, "Desk lamp", "Настольная лампа"),
    Product("blanket", "home", 6450, "Wool blanket", "Шерстяной плед"),
    Product("candle", "home", 1490, "Beeswax candle", "Восковая свеча"),
)
PRODUCT_WEIGHTS = (14, 9, 8, 7, 10, 9, 12, 5, 6, 4, 6, 10)
PAGES = ("/", "/kitchen", "/garden", "/home", "/sale", "/about", "/help/shipping")
PAGE_WEIGHTS = (30, 20, 15, 12, 10, 5, 8)
SEARCHES = {
    "en": ("teapot", "gift", "lamp", "seeds for balcony", "knife", "wool"),
    "ru": ("чайник", "подарок", "лампа", "семена", "нож", "плед"),
}

_CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 {}"
_SAFARI = "Mozilla/5.0 ({}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{} Safari/{}"
_WINDOWS = "Windows NT 10.0; Win64; x64"
_MAC = "Macintosh; Intel Mac OS X 10_15_7"
_IPHONE = "iPhone; CPU iPhone OS 18_6 like Mac OS X"
PHONES = (
    _SAFARI.format(_IPHONE, "18.6 Mobile/15E148", "604.1"),
    _CHROME.format("Linux; Android 10; K", "Mobile Safari/537.36"),
    _CHROME.format("Linux; Android 10; K", "Mobile Safari/537.36").replace("Chrome", "SamsungBrowser/28.0 Chrome"),
    "Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0",
)
PHONE_WEIGHTS = (46, 38, 11, 5)
COMPUTERS = (
    _CHROME.format(_WINDOWS, "Safari/537.36"),
    _CHROME.format(_MAC, "Safari/537.36"),
    _SAFARI.format(_MAC, "18.6", "605.1.15"),
    _CHROME.format(_WINDOWS, "Safari/537.36 Edg/141.0.0.0"),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
)
COMPUTER_WEIGHTS = (38, 16, 16, 14, 11, 5)
TABLETS = (
    _SAFARI.format("iPad; CPU OS 17_7 like Mac OS X", "17.7 Mobile/15E148", "604.1"),
    _CHROME.format("Linux; Android 13; SM-X700", "Safari/537.36"),
)
YANDEX = _CHROME.format(_WINDOWS, "YaBrowser/25.8.0.0 Safari/537.36")
BOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
)


class Home(NamedTuple):
    """Where a visitor is: the language of the browser, and the first two bytes of a provider's addresses there."""

    locale: str
    network: str

    @property
    def language(self) -> str:
        return self.locale[:2]


HOMES = (
    Home("de-DE", "91.64"),
    Home("de-DE", "80.130"),
    Home("de-AT", "84.112"),
    Home("de-CH", "84.74"),
    Home("en-GB", "81.130"),
    Home("en-US", "73.15"),
    Home("fr-FR", "90.5"),
    Home("nl-NL", "84.82"),
    Home("pl-PL", "83.8"),
    Home("ru-RU", "95.25"),
    Home("ru-RU", "178.140"),
)
HOME_WEIGHTS = (22, 18, 7, 5, 12, 9, 7, 5, 4, 7, 4)

NAMES = {
    "en": (
        ("Emma", "Jonas", "Sophie", "Lukas", "Alice", "Tom", "Clara", "Paul", "Nora", "Max"),
        ("Fischer", "Weber", "Smith", "Martin", "Novak", "Jansen", "Brown", "Keller", "Moreau", "Lewis"),
    ),
    "ru": (
        ("Анна", "Ольга", "Галина", "Мария", "Алиса", "Нина", "Дарья", "Ирина", "Елена", "Юлия"),
        ("Иванова", "Петрова", "Соколова", "Кузнецова", "Новикова", "Морозова", "Волкова", "Лебедева"),
    ),
}


class Source(NamedTuple):
    """What brings a visit: the page before (`referrer`) and what a campaign adds to the address (`tags`)."""

    referrer: str = ""
    tags: str = ""


DIRECT = Source()
_GOOGLE, _BLOG = "https://www.google.com/", "https://slow-kitchen.example/10-best-teapots"
FIRST_SOURCES = (
    DIRECT,
    Source(_GOOGLE),
    Source("https://duckduckgo.com/"),
    Source(_GOOGLE, "utm_source=google&utm_medium=cpc&utm_campaign=brand"),
    Source(_GOOGLE, "utm_source=google&utm_medium=cpc&utm_campaign=kitchen&utm_term=teapot"),
    Source(
        "https://l.instagram.com/",
        "utm_source=instagram&utm_medium=paid_social&utm_campaign=garden-tips&utm_content=video-1",
    ),
    Source("https://www.pinterest.com/"),
    Source(_BLOG),
    Source(_BLOG, "utm_source=slow-kitchen&utm_medium=affiliate&utm_campaign=partners"),
    Source("https://chatgpt.com/", "utm_source=chatgpt.com"),
    Source("https://www.youtube.com/"),
)
FIRST_WEIGHTS = (22, 26, 4, 9, 8, 10, 6, 5, 4, 3, 3)
RUSSIAN_SEARCH = Source("https://yandex.ru/")
BACK_SOURCES = (DIRECT, Source(_GOOGLE), Source("", "utm_source=newsletter&utm_medium=email&utm_campaign=weekly"))
BACK_WEIGHTS = (58, 20, 22)
SALE_SOURCE = Source("", "utm_source=newsletter&utm_medium=email&utm_campaign=sale")
