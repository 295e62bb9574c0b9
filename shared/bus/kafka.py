"""The bus on Apache Kafka (or what speaks its protocol): the one of a cluster.

kafka-python blocks and brings threads of its own. Records are written by one producer whose answers come back
to the event loop in batches; each subscription reads in a thread of its own; everything else that blocks runs in
a few shared threads.
"""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from shared.bus import BusUnavailableError, Message, Position, Subscription, refuse_large
from shared.bus.kafka_cluster import ANSWER_SECONDS, Cluster
from shared.bus.kafka_consuming import KafkaSubscription
from shared.bus.kafka_options import client_options
from shared.bus.kafka_publishing import Publishing
from shared.config import KafkaSettings

_THREADS = 8


class KafkaBus:
    """A Bus on one Kafka cluster; connects at the first call, and again by itself after a fault.

    Topics that do not exist are made as the settings say. Offsets are gapless as long as nobody else writes to the
    topics with transactions. A publish that was not confirmed may be stored up to some seconds later.
    """

    def __init__(self, url: str, settings: KafkaSettings) -> None:
        logging.getLogger("kafka").setLevel(logging.CRITICAL)  # it reports each try; what matters is raised
        self._options = client_options(url, settings)
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="kafka")
        self._cluster = Cluster(self._options, settings)
        self._publishing = Publishing(self._options, self._executor)
        self._learning: dict[str, asyncio.Task[None]] = {}

    async def publish(self, topic: str, messages: Sequence[Message]) -> list[Position]:
        refuse_large(messages)
        if not messages:
            return []
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if not self._publishing.knows(topic):
                    await self._learn(topic)
                return await self._publishing.publish(topic, messages)
        except TimeoutError as error:
            raise BusUnavailableError(f"Kafka did not confirm within {ANSWER_SECONDS:g} s") from error

    async def _learn(self, topic: str) -> None:
        """Open the topic for writing; everybody who waits for that waits for the same try."""
        learning = self._learning.get(topic)
        if learning is None:
            learning = self._learning[topic] = asyncio.create_task(self._open(topic))
            learning.add_done_callback(lambda task: self._learned(topic, task))
        await asyncio.shield(learning)

    def _learned(self, topic: str, learning: asyncio.Task[None]) -> None:
        del self._learning[topic]
        if not learning.cancelled():
            learning.exception()  # seen, even if nobody waits any more

    async def _open(self, topic: str) -> None:
        await asyncio.get_running_loop().run_in_executor(self._executor, self._cluster.make_topic, topic)
        await self._publishing.learn(topic)

    async def subscribe(self, topic: str, group: str) -> Subscription:
        await asyncio.get_running_loop().run_in_executor(self._executor, self._cluster.make_topic, topic)
        subscription = KafkaSubscription(topic, group, self._options, self._executor)
        await subscription.join()
        return subscription

    async def lag(self, topic: str, group: str) -> int:
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._cluster.lag, topic, group)

    async def ping(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._executor, self._cluster.ping)

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, self._publishing.close)
        await loop.run_in_executor(self._executor, self._cluster.close)
        self._executor.shutdown(wait=False)
