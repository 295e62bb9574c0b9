"""The Overview in one answer: the panels say what their functions say, and a panel's refusal stays its own."""

from tests.e2e.running import EVENTS, Running, wait_until

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PANELS = {
    *("count", "users", "sessions", "series", "types", "pages", "sources", "countries", "devices", "top_users"),
    *("hidden_bots", "latest"),
}


def test_the_panels_are_what_the_functions_answer(instance: Running) -> None:
    project = instance.new_project()
    events = [{"event": name, "user_id": user} for name in ("view", "buy") for user in ("ada", "bob")]
    for agent, sent in ((BROWSER, events), ("Googlebot/2.1", events[:1])):
        headers = {"x-api-key": project.write_key, "user-agent": agent}
        assert instance.http.post(EVENTS, json=sent, headers=headers).status_code == 202
    wait_until(lambda: instance.count(project) == 5, 20, "all are stored")
    key = {"x-api-key": project.secret_key}
    for path in ("/dashboard/", "/api/v1/dashboard"):
        found = instance.http.get(f"{path}?range=7d&interval=day", headers=key).json()
        panels = found["panels"]
        assert set(panels) == PANELS
        assert {panel["status"] for panel in panels.values()} == {200}
        answers = {name: panel["answer"] for name, panel in panels.items()}
        assert [answers[name]["series"][0]["total"] for name in ("count", "users")] == [4, 2]
        assert answers["hidden_bots"]["value"] == 1
        assert {row["key"]: row["value"] for row in answers["types"]["rows"]} == {"buy": 2, "view": 2}
        assert len(answers["latest"]["items"]) == 4
        assert len(answers["series"]["series"][0]["points"]) == 7
        assert answers["count"]["compare"]["range"]["from"] == found["compared"]["from"]


def test_what_every_panel_refuses_is_refused_and_what_one_refuses_is_its_own(instance: Running) -> None:
    key = {"x-api-key": instance.new_project().secret_key}
    unknown = '[{"property":"no_such","op":"eq","value":"x"}]'
    refused = instance.http.get("/dashboard/", params={"filters": unknown}, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_field")
    long = {"from": "2000-01-01", "to": "2026-01-01", "interval": "minute", "compare": "none"}
    panels = instance.http.get("/dashboard/", params=long, headers=key).json()["panels"]
    assert {panels[name]["problem"]["code"] for name in ("count", "series")} == {"query_too_expensive"}
    assert panels["types"]["status"] == 200
    assert instance.http.get("/dashboard/?range=5d", headers=key).json()["code"] == "bad_request"
