"""What npm installs is locked: every package of the app and of the browser library by the hash of its content."""

import json

import pytest

from tests.infra.image import ROOT


@pytest.mark.parametrize("folder", ["web", "sdk/javascript"])
def test_every_package_of_a_lock_has_its_hash(folder: str) -> None:
    packages = json.loads((ROOT / folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert [
        name for name, found in packages.items() if name and not found.get("integrity", "").startswith("sha512-")
    ] == []
    # No address of a registry: npm takes the one that is configured.
    assert [name for name, found in packages.items() if "resolved" in found] == []
