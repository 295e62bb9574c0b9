"""gateway: one public address for every function but ingest."""

from functions.gateway.logic import answer
from functions.gateway.ports import Ports, opens
from shared.function import function
from shared.http import Reply, Request

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@function("gateway", opens, methods=METHODS)
async def main(request: Request, ports: Ports) -> Reply:
    return await answer(request, ports)
