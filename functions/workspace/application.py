"""The FastAPI application of the workspace: its addresses, each with its handler."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from functions.workspace.address import Address
from functions.workspace.call import Call, refused_by_catalog
from functions.workspace.logic import ADDRESSES
from shared.catalog.client import CatalogRefusedError
from shared.function import SINK
from shared.web import asked_of, ports_of

if TYPE_CHECKING:
    from fastapi import FastAPI


def build() -> "FastAPI":
    """A new application; its document is part of the instance's, so it serves none itself."""
    from fastapi import FastAPI

    from functions.workspace.upkeep import deliver

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    for address in ADDRESSES:
        app.add_api_route(address.path, _endpoint(address), methods=[address.method], response_model=None)
    app.add_api_route(
        SINK, _endpoint(Address("POST", SINK, deliver, "What is due")), methods=["POST"], response_model=None
    )
    return app


def _endpoint(address: Address) -> Callable[[Any], Awaitable[Any]]:
    from fastapi import Request
    from starlette.responses import Response

    async def endpoint(request: Request) -> Response:
        call = Call(asked_of(request), ports_of(request), request.path_params)
        try:
            reply = await address.handler(call)
        except CatalogRefusedError as error:
            raise refused_by_catalog(error) from error
        return Response(reply.body, reply.status, reply.headers, reply.content_type if reply.body else None)

    # What an annotation names is looked up in the module, which imports FastAPI with its first application only.
    endpoint.__annotations__ = {"request": Request, "return": Response}
    return endpoint
