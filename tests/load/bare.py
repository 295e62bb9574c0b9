"""The baseline of `bench ingest`: an empty 202 after reading the body, on the functions' HTTP stack."""

import argparse

from shared.http import Receive, Scope, Send
from shared.serve import serve


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI: reads the whole body, answers 202 with nothing in it."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    more = True
    while more:
        message = await receive()
        more = message["type"] == "http.request" and message.get("more_body", False)
    await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    serve(app, host="127.0.0.1", port=parser.parse_args().port, log_level="warning", process="bare")


if __name__ == "__main__":
    main()
