"""What an erasure works with, on the engines of a test."""

from concurrent.futures import Executor
from pathlib import Path

from functions.gdpr_delete.copies import ACCESS, EXPORT, Shelves
from functions.gdpr_delete.logic import KIND, Tools
from functions.gdpr_delete.looking import Looking
from shared.bus import Bus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.config import BusSettings, ObjectsSettings
from shared.jobs import Jobs
from shared.objects.destinations import Destinations
from shared.security.certificates import CertificateSigner
from shared.security.sealing import Sealer
from shared.subjects import Subjects
from shared.warehouse.client import Warehouse

SEALER = Sealer("a secret of tests and of nobody else")


def tools_of(warehouse: Warehouse, catalog: Catalog, bus: Bus, threads: Executor, folder: Path) -> Tools:
    """Everything but the jobs; objects are files in the folder."""
    storages = Destinations(ObjectsSettings(objects_url=folder.as_uri()), "{}")
    return Tools(
        warehouse=warehouse,
        catalog=catalog,
        subjects=Subjects(catalog, SEALER, KIND),
        shelves=Shelves(catalog, Jobs(catalog, bus, EXPORT), Jobs(catalog, bus, ACCESS), storages, threads),
        signer=CertificateSigner(catalog, SEALER),
        looking=Looking(warehouse, threads),
        bus=BusSettings(bus_url="memory://"),
        clock=SYSTEM_CLOCK,
    )
