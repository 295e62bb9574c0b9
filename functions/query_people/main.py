"""query_people: people by what they are like and what they did, one of them, and merges."""

from functions.query_people.answers import answer
from functions.query_people.ports import Ports, opens
from shared.function import function
from shared.http import Reply, Request


@function("query_people", opens, methods=("GET", "POST", "DELETE"))
async def main(request: Request, ports: Ports) -> Reply:
    return await answer(request, ports)
