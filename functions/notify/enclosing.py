"""Files of a mail: fetched from the storage when it is sent, shown within it or attached."""

import asyncio
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any

from shared.notifications import File
from shared.objects import ObjectMissingError, Objects

# What mail servers take as a rule is 25 MB, a third of which the encoding adds.
MOST_BYTES = 15 * 1024 * 1024


async def fetched(files: Sequence[File], objects: Objects | None) -> list[tuple[File, bytes]]:
    """The files that are still there and fit into a mail, in their order; raises as the storage does."""
    if objects is None or not files:
        return []
    found = await asyncio.to_thread(lambda: [(one, _content(one, objects)) for one in files])
    fitting, total = [], 0
    for one, content in found:
        if content is not None and total + len(content) <= MOST_BYTES:
            total += len(content)
            fitting.append((one, content))
    return fitting


def _content(one: File, objects: Objects) -> bytes | None:
    try:
        return objects.get(one.key)
    except ObjectMissingError:
        return None


def add_files(message: EmailMessage, found: Sequence[tuple[File, bytes]]) -> None:
    """Put files into a mail that has its text and its HTML part: pictures beside the HTML, all else behind it."""
    html = message.get_body(["html"])
    for one, content in found:
        kind, _, parameters = one.type.partition(";")
        main, _, sub = kind.partition("/")
        named: dict[str, Any] = {"maintype": main, "subtype": sub, "filename": one.name}
        if charset := parameters.strip().removeprefix("charset="):
            named["params"] = {"charset": charset}
        if not one.cid:
            message.add_attachment(content, **named)
        elif isinstance(html, EmailMessage):
            html.add_related(content, cid=f"<{one.cid}>", disposition="inline", **named)
