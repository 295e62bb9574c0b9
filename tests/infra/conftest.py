"""One builder for all tests of the Dockerfile, and one start of each function: what tests share is done once."""

import functools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.wiring import load_wiring
from tests.infra.image import Builder
from tests.infra.starting import Start, start


@pytest.fixture(scope="session")
def builder() -> Iterator[Builder]:
    with tempfile.TemporaryDirectory(prefix="sluice-image-") as folder:
        yield Builder(Path(folder).resolve())


@pytest.fixture(scope="session")
def first_start(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Start]:
    """The first start of a function in its image, by the function's name."""
    wiring = load_wiring()

    @functools.cache
    def begin(name: str) -> Start:
        image = builder.build("last", name)
        builder.files_when_built(image)
        return start(image, wiring.find(name), tmp_path_factory.mktemp(name))

    return begin
