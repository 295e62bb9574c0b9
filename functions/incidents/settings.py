"""The addresses of policies and maintenance windows: make, list, show, write anew, remove."""

from functions.incidents.asked import PoliciesAnswer, PolicyAnswer, WindowAnswer, WindowsAnswer
from functions.incidents.kept import KeptPolicy, Policies, Windows
from functions.incidents.maintenance import Window, WindowRequest
from functions.incidents.policies import Policy
from functions.incidents.ports import Ports
from shared.catalog.client import Queries
from shared.http import Reply, Request, json_reply
from shared.listing import Listed, id_cursor, read_id
from shared.paths import match
from shared.query.request import MAX_QUERY_BYTES, from_address, from_json
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller
from shared.security.changes import Changes

POLICIES = "/api/v1/policies"
POLICY = POLICIES + "/{id}"
MAINTENANCE = "/api/v1/maintenance"
WINDOW = MAINTENANCE + "/{id}"


class Asked:
    """What one caller asks of the policies and maintenance windows of their project."""

    def __init__(self, request: Request, ports: Ports, caller: Caller) -> None:
        self.request = request
        self.ports = ports
        self.project_id = caller.project_id
        who = {"catalog": ports.catalog, "proxies": ports.proxies, "request": request, "caller": caller}
        self.policies: Changes[KeptPolicy] = Changes("policy", PolicyAnswer.of, **who)  # type: ignore[arg-type]  # four types in one table
        self.windows: Changes[Window] = Changes("maintenance", self.shown, **who)  # type: ignore[arg-type]  # as above

    def shown(self, window: Window) -> WindowAnswer:
        """A window as people see it now."""
        return WindowAnswer.of(window, self.ports.keeper.now())

    async def recheck(self, queries: Queries) -> None:
        """What is held back in the project may be told now."""
        await self.ports.keeper.recheck(queries, self.project_id)


async def answer(request: Request, ports: Ports, caller: Caller) -> Reply:
    """Answer an address of policies or maintenance windows; another project's are as unknown as none."""
    asked = Asked(request, ports, caller)
    method = request.method
    if request.path == POLICIES and method in {"GET", "POST"}:
        return await (_create_policy(asked) if method == "POST" else _list_policies(asked))
    if request.path == MAINTENANCE and method in {"GET", "POST"}:
        return await (_create_window(asked) if method == "POST" else _list_windows(asked))
    if found := match(POLICY, request.path):
        return await _policy(asked, found["id"])
    if found := match(WINDOW, request.path):
        return await _window(asked, found["id"])
    if request.path in {POLICIES, MAINTENANCE}:
        raise Rejected(Refusal.METHOD_NOT_ALLOWED, "they are listed with GET and made with POST")
    raise Rejected(Refusal.NOT_FOUND, f"policies are at {POLICIES}, maintenance windows at {MAINTENANCE}")


async def _create_policy(asked: Asked) -> Reply:
    policy = from_json(await asked.request.body(MAX_QUERY_BYTES), Policy).checked()
    kept = await asked.policies.made("created", lambda queries: Policies(queries).create(asked.project_id, policy))
    reply = json_reply(PolicyAnswer.of(kept), 201)
    reply.headers["location"] = f"{POLICIES}/{kept.id}"
    return reply


async def _list_policies(asked: Asked) -> Reply:
    query = from_address(asked.request.query.decode("latin-1"), Listed)
    policies = Policies(asked.ports.catalog)
    found = await policies.page(asked.project_id, id_cursor(query.cursor), query.limit + 1)
    page = found[: query.limit]
    more = str(page[-1].id) if len(found) > query.limit else None
    return json_reply(PoliciesAnswer([PolicyAnswer.of(one) for one in page], more))


async def _policy(asked: Asked, text: str) -> Reply:
    kept = await Policies(asked.ports.catalog).find(read_id(text, "policy"), asked.project_id)
    if kept is None:
        raise Rejected(Refusal.NOT_FOUND, f"there is no policy {text[:80]!r}")
    which = (kept.id, kept.project_id)
    match asked.request.method:
        case "GET":
            return json_reply(PolicyAnswer.of(kept))
        case "PUT":
            policy = from_json(await asked.request.body(MAX_QUERY_BYTES), Policy).checked()

            async def replace(queries: Queries) -> KeptPolicy | None:
                await asked.recheck(queries)
                return await Policies(queries).replace(*which, policy)

            return json_reply(PolicyAnswer.of(await asked.policies.made("changed", replace, kept)))
        case "DELETE":
            await asked.policies.removed(lambda queries: Policies(queries).remove(*which), kept)
            return Reply(204)
        case _:
            raise Rejected(Refusal.METHOD_NOT_ALLOWED, "a policy takes GET, PUT and DELETE")


async def _create_window(asked: Asked) -> Reply:
    given = from_json(await asked.request.body(MAX_QUERY_BYTES), WindowRequest)
    given.span()
    window = await asked.windows.made("created", lambda queries: Windows(queries).create(asked.project_id, given))
    reply = json_reply(asked.shown(window), 201)
    reply.headers["location"] = f"{MAINTENANCE}/{window.id}"
    return reply


async def _list_windows(asked: Asked) -> Reply:
    query = from_address(asked.request.query.decode("latin-1"), Listed)
    windows = Windows(asked.ports.catalog)
    found = await windows.page(asked.project_id, id_cursor(query.cursor), query.limit + 1)
    page = found[: query.limit]
    more = str(page[-1].id) if len(found) > query.limit else None
    return json_reply(WindowsAnswer([asked.shown(one) for one in page], more))


async def _window(asked: Asked, text: str) -> Reply:
    window = await Windows(asked.ports.catalog).find(read_id(text, "maintenance window"), asked.project_id)
    if window is None:
        raise Rejected(Refusal.NOT_FOUND, f"there is no maintenance window {text[:80]!r}")
    which = (window.id, window.project_id)
    match asked.request.method:
        case "GET":
            return json_reply(asked.shown(window))
        case "PUT":
            given = from_json(await asked.request.body(MAX_QUERY_BYTES), WindowRequest)
            given.span()

            async def replace(queries: Queries) -> Window | None:
                await asked.recheck(queries)
                return await Windows(queries).replace(*which, given)

            return json_reply(asked.shown(await asked.windows.made("changed", replace, window)))
        case "DELETE":

            async def remove(queries: Queries) -> bool:
                await asked.recheck(queries)
                return await Windows(queries).remove(*which)

            await asked.windows.removed(remove, window)
            return Reply(204)
        case _:
            raise Rejected(Refusal.METHOD_NOT_ALLOWED, "a maintenance window takes GET, PUT and DELETE")
