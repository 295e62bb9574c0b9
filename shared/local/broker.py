"""The emulated broker: one topic of the bus. Events come in over HTTP or as replies, Triggers read them."""

from shared.bus import MAX_MESSAGE_BYTES, Bus, Message, MessageTooLargeError
from shared.cloudevent import CloudEventError, decode, looks_like_cloudevent
from shared.dead_letters import BROKER
from shared.http import Reply, Request, problem
from shared.local.delivery import DEAD_LETTER_ROOM, Answer
from shared.local.kafka_source import Finish
from shared.local.patience import Patience
from shared.refusals import Refusal
from shared.telemetry import child_traceparent

MAX_EVENT_BYTES = MAX_MESSAGE_BYTES - DEAD_LETTER_ROOM
_MAX_BODY_BYTES = 2 * MAX_MESSAGE_BYTES  # structured mode may write data as base64
_BAD_GATEWAY = 502


async def take_in(bus: Bus, request: Request) -> Reply:
    """The broker's ingress: 202 once the event (binary or structured) is stored durably.

    Raises CloudEventError for a malformed event, BusUnavailableError where storage is not known.
    """
    if request.method != "POST":
        return problem(Refusal.METHOD_NOT_ALLOWED, allow=["POST"])
    event = decode(request.headers, await request.body(_MAX_BODY_BYTES))
    traceparent = event.attributes.get("traceparent") or child_traceparent(request.headers.get("traceparent"))
    try:
        await _publish(bus, Message({**event.attributes, "traceparent": traceparent}, event.data))
    except MessageTooLargeError as error:
        return problem(Refusal.BODY_TOO_LARGE, str(error))
    return Reply(202)


def publish_reply(bus: Bus, patience: Patience) -> Finish:
    """For a Trigger: an answer that is a CloudEvent goes back to the broker; one that only claims to be is refused."""

    async def finish(answer: Answer) -> Answer:
        if not looks_like_cloudevent(answer.headers):
            return answer
        try:
            reply = decode(answer.headers, answer.body)
            await patience.insist(lambda: _publish(bus, reply))
        except (CloudEventError, MessageTooLargeError) as error:
            return Answer(_BAD_GATEWAY, answer.headers, f"the reply cannot be published: {error}".encode())
        return answer

    return finish


async def _publish(bus: Bus, event: Message) -> None:
    if event.size > MAX_EVENT_BYTES:
        raise MessageTooLargeError(f"the event has {event.size} bytes; at most {MAX_EVENT_BYTES} are taken")
    await bus.publish(BROKER, [event])
