"""Where the parts of the embedded runtime listen: five ports in a row unless set one by one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shared.config import DATA, WORK_URL, ServerSettings, setting
from shared.edge.forward import origin_of

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SERVICE = "{service}"
PARTS = ("edge", "work", "sources", "warehouse", "metrics")
MOST_EDGES = 16
# In the data folder: which functions of the profile `split` run.
FUNCTIONS = "functions.json"


@dataclass(frozen=True, kw_only=True)
class LocalSettings(ServerSettings):
    """The data folder and the ports; a port of 0 means SLUICE_PORT plus its place in the row."""

    data: Path = setting("SLUICE_DATA", DATA, default=Path(".sluice"))
    port: int = setting("SLUICE_PORT", "Port of the API and the pages.", default=8080)
    work_port: int = setting(
        "SLUICE_WORK_PORT", "Port of the functions behind the edge; 0 means SLUICE_PORT + 1.", default=0
    )
    sources_port: int = setting(
        "SLUICE_SOURCES_PORT", "Port of the emulated sources; 0 means SLUICE_PORT + 2.", default=0
    )
    warehouse_port: int = setting(
        "SLUICE_WAREHOUSE_PORT", "Port of the warehouse's HTTP door; 0 means SLUICE_PORT + 3.", default=0
    )
    metrics_port: int = setting(
        "SLUICE_METRICS_PORT", "Port of the edge's own metrics; 0 means SLUICE_PORT + 4.", default=0
    )

    edge_workers: int = setting(
        "SLUICE_EDGE_WORKERS",
        "Processes of the edge on this machine, 1 to 16, which share its port; the metrics port of each is the next.",
        default=1,
    )
    profile: Literal["together", "split"] = setting(
        "SLUICE_PROFILE",
        "Functions of `task up`: together in one process, or split: each in a process of its own while it is asked.",
        default="together",
    )
    idle: float = setting(
        "SLUICE_IDLE_SECONDS", "After how long without a request the profile split stops a function.", default=30.0
    )
    metrics_host: str = setting("SLUICE_METRICS_HOST", "Address the edge's own metrics listen on.", default="127.0.0.1")
    work_url: str = setting("SLUICE_WORK_URL", WORK_URL, default="")

    @property
    def functions_url(self) -> str:
        """What `origin_of` and `sink_of` take."""
        return self.work_url or f"http://127.0.0.1:{self.port_of('work')}"

    def port_of(self, part: str) -> int:
        """The TCP port of a part of PARTS."""
        given = (self.port, self.work_port, self.sources_port, self.warehouse_port, self.metrics_port)
        place = PARTS.index(part)
        return given[place] or self.port + place


def sink_of(work_url: str, service: str) -> str:
    """Where a source posts a function's events: its own address, or its folder where functions share one."""
    folder = "" if _SERVICE in work_url else f"{service}/"
    return f"{origin_of(work_url, service)}/{folder}"
