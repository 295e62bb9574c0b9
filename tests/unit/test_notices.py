"""What a notice keeps of what was told."""

from shared.catalog.notices import facts


def test_a_notice_keeps_short_facts_and_no_secret() -> None:
    values = {
        "name": "Purchases",
        "link": "https://x/?token=secret",
        "url": "https://user:password@hooks.example.com/path?token=secret",
        "error": "e" * 1_000,
        "events": [{"user_id": "u1"}],
        "rows": 3,
    }
    kept = facts(values)
    assert kept == {"name": "Purchases", "error": "e" * 300, "rows": 3, "host": "hooks.example.com"}
