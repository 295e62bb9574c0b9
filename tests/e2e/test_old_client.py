"""An older client's whole way: an account, a project, a key, an event, its statistics and its export."""

import uuid
from typing import Any

from tests.e2e.running import Running, wait_until

PASSWORD = "password123"  # what people try first; a laptop's instance takes it and warns


class OldClient:
    """What such a client does, step by step."""

    def __init__(self, instance: Running) -> None:
        self.http = instance.http
        self.email = f"{uuid.uuid4().hex[:12]}@example.org"
        self.token = ""

    def ask(self, method: str, path: str, body: Any = None, *, status: int = 200, **headers: str) -> Any:
        given = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.http.request(method, path, json=body, headers={**given, **named})
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if "json" in answer.headers.get("content-type", "") else answer.text

    def signs_in(self) -> None:
        account = {"email": self.email, "password": PASSWORD, "full_name": "Old Client", "company": "Old Shop"}
        registered = self.ask("POST", "/api/v1/auth/register", account, status=201)
        assert registered["warnings"]
        signed_in = self.ask("POST", "/auth/login", {"email": self.email, "password": PASSWORD})
        assert signed_in["token_type"].lower() == "bearer"
        self.token = signed_in["access_token"]

    def makes_a_project(self) -> Any:
        return self.ask("POST", "/api/v1/projects", {"name": "Shop"}, status=201)


def test_an_old_client_gets_from_an_account_to_its_data(instance: Running) -> None:
    client = OldClient(instance)
    client.signs_in()
    project = client.makes_a_project()
    named = {"x_project_id": project["id"]}
    key = client.ask("POST", f"/api/v1/projects/{project['id']}/keys", {"name": "site", "kind": "public"}, status=201)
    for number in range(3):
        event = {"event_type": "order", "user_id": "u1", "properties": {"n": number}}
        sent = instance.http.post("/api/v1/events/track", json=event, headers={"X-API-Key": key["key"]})
        assert sent.status_code == 202, sent.text

    def counted() -> int:
        stats = client.ask("GET", "/api/v1/stats/events?group_by=day", **named)["stats"]
        return sum(point["count"] for point in stats)

    wait_until(lambda: counted() == 3, 30, "the events are in the statistics")
    # The only project that is open to somebody need not be named.
    assert client.ask("GET", "/analytics/events/count") == {"count": 3}
    rows = client.ask("GET", "/api/v1/export/csv", **named).splitlines()
    assert len(rows) == 4
    assert "event" in rows[0]
    saved = {"kind": "count", "name": "Orders", "query": {"events": ["order"]}, "last": "7d"}
    made = client.ask("POST", "/create_resource/", saved, status=201, **named)
    assert client.ask("GET", f"/get_resource/?id={made['id']}", **named)["name"] == "Orders"
    users = client.ask("GET", "/users/")
    assert [user["email"] for user in users["items"]] == [client.email]
    done = {entry["action"] for entry in client.ask("GET", "/api/v1/audit")["items"]}
    assert {"project.created", "api_key.created", "definition.created", "events.looked_at"} <= done
    assert client.ask("GET", "/api/v1/audit/verify")["sound"] is True
    # A project is open to its maker at once, also where they were just seen without it.
    client.ask("GET", "/api/v1/stats/events", x_project_id=client.makes_a_project()["id"])


def test_two_clients_see_nothing_of_each_other(instance: Running) -> None:
    first, second = OldClient(instance), OldClient(instance)
    first.signs_in()
    second.signs_in()
    project = first.makes_a_project()
    second.makes_a_project()
    for path in ("/api/v1/stats/events", "/api/v1/export/csv", "/api/v1/definitions", "/api/v1/dashboards"):
        refused = second.ask("GET", path, status=403, x_project_id=project["id"])
        assert refused["code"] == "project_forbidden"
    assert second.ask("GET", f"/api/v1/projects/{project['id']}", status=403)["code"] == "project_forbidden"


def test_a_projects_origins_and_what_it_keeps_of_addresses_hold_for_its_events(instance: Running) -> None:
    client = OldClient(instance)
    client.signs_in()
    project = client.makes_a_project()
    key = project["keys"]["write"]["key"]

    def send(origin: str) -> int:
        headers = {"X-API-Key": key, "X-Forwarded-For": "8.8.8.77"}
        if origin:
            headers["Origin"] = origin
        return instance.http.post("/api/v1/events/track", json={"event": "seen"}, headers=headers).status_code

    assert send("https://anywhere.example") == 202
    settings = {"allowed_origins": ["https://*.shop.example"], "ip_mode": "keep"}
    client.ask("PATCH", f"/api/v1/projects/{project['id']}", settings)
    wait_until(lambda: send("https://anywhere.example") == 403, 10, "the project's origins hold")
    assert (send("https://www.shop.example"), send("")) == (202, 202)

    def addresses() -> set[str]:
        events = client.ask("GET", "/api/v1/query/events?events=seen", x_project_id=project["id"])
        return {event["ip"] for event in events["items" if "items" in events else "events"]}

    wait_until(lambda: "8.8.8.77" in addresses(), 30, "the whole address is kept")
