"""Real Kafka brokers for tests: fetched by Maven once per machine, run on free ports, easy to stop and to break."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

VERSION = "4.3.1"
READY_SECONDS = 60.0
_BUILD_SECONDS = 600
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
# log4j-slf4j-impl, not slf4j2: this Kafka wants slf4j 1.7.
_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sluice.test</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId>
      <version>2.25.4</version><scope>runtime</scope>
    </dependency>
  </dependencies>
</project>
"""
_LOGGING = """\
<Configuration><Appenders><Console name="c" target="SYSTEM_OUT"><PatternLayout pattern="%d %p %c{1} %m%n"/></Console>
</Appenders><Loggers><Root level="WARN"><AppenderRef ref="c"/></Root></Loggers></Configuration>
"""


def kafka_jars() -> Path:
    """The folder of Kafka's jars, fetched at the first call on a machine.

    Skips the test where Java or Maven are missing; fails it instead where SLUICE_REQUIRE_ENGINES=1.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sluice" / f"kafka-{VERSION}"
    jars = cache / "libs"
    if not shutil.which("java") or not (jars.is_dir() or shutil.which("mvn")):
        reason = "a real Kafka needs Java 17 and Maven on the path"
        if os.environ.get("SLUICE_REQUIRE_ENGINES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    if not jars.is_dir():
        _fetch(cache, jars)
    return jars


def _fetch(cache: Path, jars: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        (Path(folder) / "pom.xml").write_text(_POM)
        subprocess.run(
            ["mvn", "-B", "-q", _COPY, "-DincludeScope=runtime", "-DoutputDirectory=libs"],  # noqa: S607 (from the path)
            cwd=folder,
            check=True,
            timeout=_BUILD_SECONDS,
        )
        with contextlib.suppress(OSError):  # somebody else was faster
            (Path(folder) / "libs").rename(jars)


class KafkaBroker:
    """One broker of a KafkaCluster. `start` and `kill` keep the data; `pause` and `resume` freeze the process."""

    def __init__(self, folder: Path, node: int, port: int, lines: list[str]) -> None:
        self.port = port
        self._node = node
        self._folder = folder
        self._folder.mkdir()
        self._properties = folder / "server.properties"
        self._properties.write_text("\n".join(lines) + "\n")
        (folder / "log4j2.xml").write_text(_LOGGING)
        self._process: subprocess.Popen[bytes] | None = None

    def format(self, cluster_id: str) -> None:
        tool = ["kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self._properties)]
        subprocess.run(self._java("-Xmx128m", *tool), check=True, capture_output=True, timeout=READY_SECONDS)

    def launch(self) -> None:
        with (self._folder / "log").open("ab") as output:
            arguments = self._java("-Xmx256m", "-XX:+UseSerialGC", "kafka.Kafka", str(self._properties))
            self._process = subprocess.Popen(arguments, stdout=output, stderr=output)

    def start(self) -> None:
        self.launch()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Until the socket listens; raises RuntimeError with the broker's log where it does not come up."""
        deadline = time.monotonic() + READY_SECONDS
        while not answers(self.port):
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "log").read_text()[-4000:])
            time.sleep(0.05)

    def kill(self) -> None:
        """As if the power was cut: kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Freeze it; returns when all its threads stand still."""
        self._signal(signal.SIGSTOP)
        while self._signal(signal.SIGSTOP).status() != psutil.STATUS_STOPPED:
            time.sleep(0.001)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> psutil.Process:
        assert self._process is not None
        process = psutil.Process(self._process.pid)
        process.send_signal(number)
        return process

    def _java(self, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self._folder / 'log4j2.xml'}"
        return ["java", "-XX:TieredStopAtLevel=1", logging, "-cp", f"{kafka_jars()}/*", *arguments]


class KafkaCluster:
    """One broker, or several that replicate to each other; `remove` ends them and their data."""

    def __init__(self, brokers: int = 1, **properties: str) -> None:
        kafka_jars()
        self.folder = Path(tempfile.mkdtemp(prefix="kf"))
        ports = free_ports(2 * brokers)
        self._pairs = list(zip(ports[:brokers], ports[brokers:], strict=True))
        self.brokers = [
            KafkaBroker(self.folder / str(node), node, port, self._lines(node, port, controller, properties))
            for node, (port, controller) in enumerate(self._pairs, start=1)
        ]
        cluster_id = str(uuid.uuid4())
        for broker in self.brokers:
            broker.format(cluster_id)

    @property
    def url(self) -> str:
        return "kafka://" + ",".join(f"127.0.0.1:{broker.port}" for broker in self.brokers)

    def start(self) -> "KafkaCluster":
        for broker in self.brokers:
            broker.launch()
        for broker in self.brokers:
            broker.wait_until_ready()
        return self

    def kill(self) -> None:
        for broker in self.brokers:
            broker.kill()

    def pause(self) -> None:
        for broker in self.brokers:
            broker.pause()

    def resume(self) -> None:
        for broker in self.brokers:
            broker.resume()

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _lines(self, node: int, port: int, controller: int, properties: dict[str, str]) -> list[str]:
        copies = str(len(self._pairs))
        known = {
            "process.roles": "broker,controller",
            "node.id": str(node),
            "controller.quorum.voters": ",".join(
                f"{number}@127.0.0.1:{voter}" for number, (_, voter) in enumerate(self._pairs, start=1)
            ),
            "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self.folder / str(node) / "data"),
            "default.replication.factor": copies,
            "min.insync.replicas": str(min(2, len(self._pairs))),
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "1",
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": "1",
            "share.coordinator.state.topic.num.partitions": "1",
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
            "auto.create.topics.enable": "false",
            "log.cleaner.dedupe.buffer.size": "16777216",
            # A restart after kill -9 takes 2 s instead of 12.
            "broker.session.timeout.ms": "1000",
            "broker.heartbeat.interval.ms": "200",
        }
        return [f"{name}={value}" for name, value in {**known, **properties}.items()]


def answers(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, all different."""
    with contextlib.ExitStack() as held:
        return [_bound(held) for _ in range(count)]


def _bound(held: contextlib.ExitStack) -> int:
    taken = held.enter_context(socket.socket())
    taken.bind(("127.0.0.1", 0))
    port: int = taken.getsockname()[1]
    return port


@contextlib.contextmanager
def running(brokers: int = 1, **properties: str) -> Iterator[KafkaCluster]:
    """A cluster that ends with the block."""
    cluster = KafkaCluster(brokers, **properties)
    try:
        yield cluster.start()
    finally:
        cluster.remove()
