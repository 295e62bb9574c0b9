"""The channel somebody came by: Google Analytics 4's default grouping, with AI assistants beside it.

The rules are tried in the order of `channel`; README.md has them as a table. Everything is compared in lower case.
"""

import functools
import re
from typing import NamedTuple

_SEARCH = """360.cn alice.com aol.com ask.com baidu.com bing.com biglobe.ne.jp brave.com cn.bing.com coccoc.com
daum.net dogpile.com duckduckgo.com ecosia.org google.com go.mail.ru goo.ne.jp kagi.com lycos.com mojeek.com
naver.com nova.rambler.ru onet.pl petalsearch.com presearch.com qwant.com rambler.ru searx.me search.brave.com
seznam.cz sm.cn so.com sogou.com startpage.com swisscows.com virgilio.it ya.ru yahoo.com yandex.com yandex.ru yep.com"""
_SOCIAL = """bsky.app facebook.com fb.com fb.me flipboard.com habr.com instagram.com l.instagram.com line.me
linkedin.com lnkd.in lobste.rs mastodon.social medium.com messenger.com mix.com news.ycombinator.com nextdoor.com
odnoklassniki.ru ok.ru out.reddit.com pinterest.com producthunt.com quora.com reddit.com skype.com slack.com
snapchat.com stackoverflow.com stackexchange.com t.co t.me telegram.org telegram.me threads.com threads.net tumblr.com
twitter.com viber.com vk.com vk.me wa.me weibo.com whatsapp.com x.com xing.com discord.com discord.gg wechat.com"""
_VIDEO = """bilibili.com dailymotion.com disneyplus.com hulu.com kick.com netflix.com rumble.com rutube.ru tiktok.com
twitch.tv vimeo.com vkvideo.ru wistia.com youku.com youtu.be youtube.com"""
_SHOPPING = """alibaba.com aliexpress.com aliexpress.ru amazon.com avito.ru ebay.com etsy.com idealo.de lamoda.ru
market.yandex.ru mercadolibre.com ozon.ru rakuten.co.jp shop.app shopping.google.com shopify.com shopzilla.com
taobao.com temu.com walmart.com wildberries.ru"""
_ASSISTANTS = """chat.deepseek.com chat.mistral.ai chat.openai.com chat.qwen.ai chatgpt.com claude.ai
copilot.microsoft.com deepseek.com doubao.com edgeservices.bing.com felo.ai gemini.google.com bard.google.com
giga.chat grok.com iask.ai kimi.com kimi.moonshot.cn meta.ai notebooklm.google.com perplexity.ai phind.com poe.com
alice.yandex.ru you.com"""
_MAIL = """e.mail.ru mail.aol.com mail.google.com mail.proton.me mail.qq.com mail.ru mail.yahoo.com mail.yandex.com
mail.yandex.ru outlook.live.com outlook.office.com outlook.office365.com"""
# Below a search engine or a shop, and neither.
_NEITHER = """accounts.google.com aws.amazon.com calendar.google.com classroom.google.com cloud.google.com cloud.mail.ru
disk.yandex.ru docs.google.com drive.google.com groups.google.com meet.google.com sites.google.com
teams.microsoft.com tracker.yandex.ru translate.google.com"""

_SITES: dict[str, str] = {
    domain: kind
    for kind, domains in {
        "search": _SEARCH,
        "social": _SOCIAL,
        "video": _VIDEO,
        "shopping": _SHOPPING,
        "assistant": _ASSISTANTS,
        "mail": _MAIL,
        "": _NEITHER,
    }.items()
    for domain in domains.split()
}
# What a campaign's source is called where it is no domain: a site's name, but for those that are everyday words.
_WORDS = frozenset({"360", "line", "mail", "mix", "ok", "shop", "sm", "so", "t", "x", "you"})
_NAMES: dict[str, str] = {
    **{name: kind for domain, kind in _SITES.items() if (name := domain.rpartition(".")[0]).isalnum()},
    "copilot": "assistant",
    "fb": "social",
    "gemini": "assistant",
    "hackernews": "social",
    "ig": "social",
    "meta": "social",
    "openai": "assistant",
}

_REMEMBERED = 4_096
# Many countries, one site.
_MANY_COUNTRIES = re.compile(r"(?:^|\.)(google|bing|yahoo|yandex|baidu|amazon|ebay|pinterest)\.(?:com?\.)?[a-z]{2,3}$")
_PAID = re.compile(r".*cp.*|ppc|retargeting|paid.*")
_SHOP_CAMPAIGN = re.compile(r".*(?:(?:[^a-df-z]|^)shop|shopping).*")
_DISPLAY = frozenset({"display", "banner", "expandable", "interstitial", "cpm"})
_SOCIAL_MEDIA = frozenset({"social", "social-network", "social-media", "sm", "social network", "social media"})
_EMAIL = frozenset({"email", "e-mail", "e_mail", "e mail", "newsletter"})
_PAID_KINDS = {"search": "Paid Search", "social": "Paid Social", "video": "Paid Video"}
_ORGANIC_KINDS = {"assistant": "AI Assistants", "social": "Organic Social", "video": "Organic Video"}

# A click id in the address names who sold the click: (source, medium) where the campaign does not say.
CLICK_IDS: dict[str, tuple[str, str]] = {
    "gclid": ("google", "cpc"),
    "gbraid": ("google", "cpc"),
    "wbraid": ("google", "cpc"),
    "msclkid": ("bing", "cpc"),
    "yclid": ("yandex", "cpc"),
    "dclid": ("", "display"),
    "ttclid": ("tiktok", "cpc"),
    "twclid": ("twitter", "cpc"),
    "li_fat_id": ("linkedin", "cpc"),
    "rdt_cid": ("reddit", "cpc"),
    "fbclid": ("facebook", ""),
}


class Origin(NamedTuple):
    """What is known of how somebody came; '' where unknown. `internal`: from a page of the same site."""

    source: str = ""
    medium: str = ""
    campaign: str = ""
    click_id: str = ""
    referrer_domain: str = ""
    internal: bool = False


@functools.lru_cache(_REMEMBERED)
def channel(origin: Origin) -> str:
    """The channel of a visit to a page; never empty. Events without a page have none and are not asked here."""
    bought_from, bought_as = CLICK_IDS.get(origin.click_id, ("", ""))
    source = (origin.source or bought_from or origin.referrer_domain).lower()
    medium = (origin.medium or bought_as).lower()
    campaign = origin.campaign.lower()
    kind = kind_of(source)
    found = _paid(kind, medium, campaign) or _organic(kind, source, medium, campaign) or _by_medium(source, medium)
    if found:
        return found
    if origin.source or origin.medium or origin.campaign:
        return "Referral" if origin.referrer_domain and not origin.medium else "Unassigned"
    if origin.referrer_domain:
        return "Referral"
    return "Internal" if origin.internal else "Direct"


def kind_of(source: str) -> str:
    """search, social, video, shopping, assistant or mail, of a domain or a campaign's source; '' for none of them."""
    if "." not in source:
        return "" if source in _WORDS else _NAMES.get(source, "")
    domain = source
    while domain.count("."):
        if domain in _SITES:
            return _SITES[domain]
        domain = domain.partition(".")[2]
    many = _MANY_COUNTRIES.search(source)
    return _NAMES[many[1]] if many else ""


def _paid(kind: str, medium: str, campaign: str) -> str:
    if "cross-network" in campaign:
        return "Cross-network"
    paid = _PAID.fullmatch(medium) is not None
    if paid and (kind == "shopping" or _SHOP_CAMPAIGN.fullmatch(campaign)):
        return "Paid Shopping"
    if paid and kind in _PAID_KINDS:
        return _PAID_KINDS[kind]
    if medium in _DISPLAY:
        return "Display"
    return "Paid Other" if paid else ""


def _organic(kind: str, source: str, medium: str, campaign: str) -> str:
    if kind == "shopping" or _SHOP_CAMPAIGN.fullmatch(campaign):
        return "Organic Shopping"
    if medium in _EMAIL or source in _EMAIL or kind == "mail":
        return "Email"
    if kind in _ORGANIC_KINDS:
        return _ORGANIC_KINDS[kind]
    if medium in _SOCIAL_MEDIA:
        return "Organic Social"
    if "video" in medium:
        return "Organic Video"
    return "Organic Search" if kind == "search" or medium == "organic" else ""


def _by_medium(source: str, medium: str) -> str:
    if medium in {"affiliate", "affiliates"}:
        return "Affiliates"
    if medium == "audio":
        return "Audio"
    if "sms" in {source, medium}:
        return "SMS"
    if medium.endswith("push") or "mobile" in medium or "notification" in medium or source == "firebase":
        return "Mobile Push Notifications"
    return "Referral" if medium in {"referral", "app", "link"} else ""
