"""What webhooks offers over HTTP, for the OpenAPI document."""

from functions.webhooks.answers import (
    DELIVERIES,
    DELIVERY,
    DISABLE,
    ENABLE,
    OF_WEBHOOK,
    RESEND,
    ROTATE,
    TEST,
    WEBHOOK,
    WEBHOOKS,
)
from functions.webhooks.asked import (
    DeliveriesAnswer,
    DeliveriesQuery,
    DeliveryAnswer,
    Queued,
    WebhookAnswer,
    WebhookChange,
    WebhookRequest,
    WebhooksAnswer,
)
from functions.webhooks.channels import (
    CHANNEL,
    CHANNELS,
    OF_CHANNEL,
    ChannelAnswer,
    ChannelChange,
    ChannelRequest,
    ChannelsAnswer,
)
from functions.webhooks.channels import TEST as TEST_CHANNEL
from shared.openapi import Operation

_ID = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}]
_ALL = "Deliveries of the project, mails too, the newest first"

OPERATIONS = [
    Operation("GET", WEBHOOKS, "The webhooks of the project", answer=WebhooksAnswer),
    Operation(
        "POST", WEBHOOKS, "A new webhook; its secret is shown this once", WebhookAnswer, 201, body=WebhookRequest
    ),
    Operation("GET", WEBHOOK, "One webhook", answer=WebhookAnswer, parameters=_ID),
    Operation("PATCH", WEBHOOK, "Change a webhook", answer=WebhookAnswer, body=WebhookChange, parameters=_ID),
    Operation("DELETE", WEBHOOK, "Remove a webhook with its deliveries", status=204, parameters=_ID),
    Operation(
        "POST", ROTATE, "A new secret; the old one signs as well for a day", answer=WebhookAnswer, parameters=_ID
    ),
    Operation("POST", TEST, "Send a delivery of the type test", answer=Queued, status=202, parameters=_ID),
    Operation("POST", ENABLE, "Let it get deliveries again", answer=WebhookAnswer, parameters=_ID),
    Operation("POST", DISABLE, "Let it get nothing for now", answer=WebhookAnswer, parameters=_ID),
    Operation(
        "GET",
        OF_WEBHOOK,
        "Deliveries to one webhook, the newest first",
        answer=DeliveriesAnswer,
        query=DeliveriesQuery,
        parameters=_ID,
    ),
    Operation("GET", DELIVERIES, _ALL, answer=DeliveriesAnswer, query=DeliveriesQuery),
    Operation("GET", DELIVERY, "One delivery with its tries", answer=DeliveryAnswer, parameters=_ID),
    Operation("POST", RESEND, "Send a delivery again that has ended", answer=Queued, status=202, parameters=_ID),
    Operation("GET", CHANNELS, "The channels of the project", answer=ChannelsAnswer),
    Operation(
        "POST", CHANNELS, "A new channel to a chat or an on-call service", ChannelAnswer, 201, body=ChannelRequest
    ),
    Operation("GET", CHANNEL, "One channel", answer=ChannelAnswer, parameters=_ID),
    Operation("PATCH", CHANNEL, "Change a channel", answer=ChannelAnswer, body=ChannelChange, parameters=_ID),
    Operation("DELETE", CHANNEL, "Remove a channel with its deliveries", status=204, parameters=_ID),
    Operation("POST", TEST_CHANNEL, "Send a test to a channel", answer=Queued, status=202, parameters=_ID),
    Operation(
        "GET",
        OF_CHANNEL,
        "Deliveries to one channel, the newest first",
        answer=DeliveriesAnswer,
        query=DeliveriesQuery,
        parameters=_ID,
    ),
]
