"""Real data sets through real Kafka give every published number, a broker that is killed in the middle or not."""

import threading
import time
from collections.abc import Iterator

import pytest

from tests.e2e.running import Running, running, wait_until
from tests.e2e.test_imports_answers import IMPORT_SECONDS, NUMBERS, SETS, Imported, Number, as_published, run_import
from tests.engines.kafka import KafkaCluster
from tests.engines.kafka import running as running_kafka

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(not NUMBERS, reason="the data sets ../shared/data are not on this machine"),
    pytest.mark.timeout(IMPORT_SECONDS + 300),
]


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaCluster]:
    with running_kafka() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def product(broker: KafkaCluster) -> Iterator[Running]:
    with running(SLUICE_BUS_URL=broker.url, SLUICE_KAFKA_PARTITIONS="3") as instance:
        yield instance


@pytest.mark.parametrize("name", ["wikiticker", "online_retail"])
def test_a_data_set_through_kafka_gives_the_published_answers(
    broker: KafkaCluster, product: Running, name: str
) -> None:
    wanted, project = SETS[name], product.new_project()
    breaking = threading.Timer(5, break_for_a_while, [broker])
    breaking.start()
    told = run_import(product, wanted, project)
    breaking.join()
    assert (told["accepted"], told["refused"], told["lost"]) == (wanted.rows, 0, 0)
    wait_until(lambda: product.lag() == 0, 180, f"{name} is stored")
    data = Imported(product, project, wanted.days)
    numbers = [number for number in NUMBERS if number.of == name]
    assert numbers
    wrong = {str(number): given for number in numbers if (given := number.question(data)) != expected(number)}
    assert not wrong


def break_for_a_while(broker: KafkaCluster) -> None:
    broker.kill()
    time.sleep(2)
    broker.start()


def expected(number: Number) -> object:
    return as_published(number.answer) if isinstance(number.answer, float) else number.answer
