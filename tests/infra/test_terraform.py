"""terraform/ parses, describes its inputs, pins what it takes, and its module without providers passes its tests.

Not run here: `terraform init` with providers, `validate`, `plan`, `apply` (terraform/README.md).
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.deploy import sizing
from shared.wiring import load_wiring
from tests.infra.image import ROOT

FOLDER = ROOT / "terraform"
MODULES = sorted(path.parent for path in FOLDER.glob("*/*/main.tf"))
TERRAFORM = shutil.which("terraform")
Block = dict[str, Any]


def parsed(module: Path) -> Block:
    """All files of a module as one: by kind of block, the blocks of that kind; quotes taken off."""
    import hcl2

    found: dict[str, list[Any]] = {}
    for path in sorted(module.glob("*.tf")):
        for kind, blocks in bare(hcl2.loads(path.read_text(encoding="utf-8"))).items():
            if not kind.startswith("__"):
                found.setdefault(kind, []).extend(blocks)
    return found


def bare(value: Any) -> Any:
    """The parser keeps the quotes of names and texts."""
    if isinstance(value, dict):
        return {bare(name): bare(inner) for name, inner in value.items() if name != "__is_block__"}
    if isinstance(value, list):
        return [bare(inner) for inner in value]
    return value.removeprefix('"').removesuffix('"') if isinstance(value, str) else value


def named(module: Path, kind: str) -> dict[str, Block]:
    return {name: body for block in parsed(module).get(kind, []) for name, body in block.items()}


def required_providers(module: Path) -> dict[str, Block]:
    found: dict[str, Block] = {}
    for block in parsed(module).get("terraform", []):
        for providers in block.get("required_providers", []):
            found |= {name: spec for name, spec in providers.items() if not name.startswith("__")}
    return found


def resources(module: Path) -> Iterator[tuple[str, str, Block]]:
    for block in parsed(module).get("resource", []):
        for kind, by_name in block.items():
            yield from ((kind, name, body) for name, body in by_name.items())


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_every_input_has_a_type_and_every_input_and_output_a_sentence(module: Path) -> None:
    inputs, outputs = named(module, "variable"), named(module, "output")
    assert inputs
    assert outputs
    assert [name for name, body in inputs.items() if "type" not in body] == []
    assert [name for name, body in {**inputs, **outputs}.items() if not body.get("description", "").endswith(".")] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_every_input_is_used_and_every_used_one_declared(module: Path) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in module.glob("*.tf"))
    used = set(re.findall(r"\bvar\.(\w+)", text))
    assert used == set(named(module, "variable"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_versions_are_pinned_and_every_provider_is_one_that_is_used(module: Path) -> None:
    [terraform] = parsed(module)["terraform"]
    assert re.fullmatch(r">= \d+\.\d+\.\d+", terraform["required_version"])
    for spec in required_providers(module).values():
        assert re.fullmatch(r"~> \d+\.\d+(\.\d+)?", spec["version"]), spec
    needed = {kind.partition("_")[0] for kind, _, _ in resources(module)}
    if module.parent.name == "modules":
        assert set(required_providers(module)) == needed
    else:
        assert set(required_providers(module)) == set(named(module, "provider"))


@pytest.mark.parametrize("example", [path for path in MODULES if path.parent.name == "examples"], ids=lambda p: p.name)
def test_an_example_gives_its_modules_what_they_ask_for_and_nothing_else(example: Path) -> None:
    meta = {"source", "count", "for_each", "depends_on", "providers"}
    for name, body in named(example, "module").items():
        module = (example / body["source"]).resolve()
        asked = named(module, "variable")
        given = set(body) - meta
        assert given <= set(asked), f"{name} takes no {given - set(asked)}"
        assert {one for one, spec in asked.items() if "default" not in spec} <= given, name
    outputs = {
        name: set(named((example / body["source"]).resolve(), "output"))
        for name, body in named(example, "module").items()
    }
    text = "\n".join(path.read_text(encoding="utf-8") for path in example.glob("*.tf"))
    for module_name, output in re.findall(r"\bmodule\.(\w+)(?:\[\d+\])?\.(\w+)", text):
        assert output in outputs[module_name], f"module.{module_name}.{output}"


def test_every_chart_has_a_full_version() -> None:
    module = FOLDER / "modules/addons"
    versions = parsed(module)["variable"][0]["versions"]["type"]
    pins = dict(re.findall(r"(\w+)\s*=?\s*:?\s*optional\(string, \"?([^\")]+)", str(versions)))
    assert pins
    assert [name for name, version in pins.items() if not re.fullmatch(r"v?\d+\.\d+\.\d+", version)] == []
    releases = [body for kind, _, body in resources(module) if kind == "helm_release"]
    assert len(releases) >= 7
    for body in releases:
        assert "version" in body or "path.module" in body["chart"], body["name"]
        assert body["atomic"]


def test_nothing_but_the_way_out_is_open_to_everybody() -> None:
    lines = [
        " ".join(line.split())
        for path in FOLDER.rglob("*.tf")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "0.0.0.0/0" in line or "::/0" in line
    ]
    assert lines == ['cidr_block = "0.0.0.0/0"'] * 2, "the two route tables"


def test_the_bucket_is_closed_encrypted_and_reached_over_tls_only() -> None:
    found = {kind: body for kind, _, body in resources(FOLDER / "modules/aws-storage")}
    closed = found["aws_s3_bucket_public_access_block"]
    switches = [value for name, value in closed.items() if name != "bucket" and not name.startswith("__")]
    assert len(switches) == 4
    assert all(switches)
    assert "aws_s3_bucket_server_side_encryption_configuration" in found
    assert "SecureTransport" in str(found["aws_s3_bucket_policy"])


def test_no_secret_and_no_state_is_in_the_folder() -> None:
    assert [path.name for path in FOLDER.rglob("*") if re.search(r"\.tfstate|\.tfvars$|\.pem$", path.name)] == []


def test_the_sizes_are_those_of_the_docs() -> None:
    assert (ROOT / sizing.TERRAFORM_FILE).read_text(encoding="utf-8") == sizing.sizes_file(load_wiring())
    assert set(re.findall(r'\["([^]]+)"\]', (FOLDER / "modules/sizing/variables.tf").read_text(encoding="utf-8"))) == {
        '10k", "100k", "1m'
    }


def terraform(*arguments: str, folder: Path = FOLDER) -> str:
    if TERRAFORM is None:
        pytest.skip("terraform is not installed")
    environment = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_DATA_DIR": str(folder / ".terraform")}
    done = subprocess.run(
        [TERRAFORM, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_file_is_formatted() -> None:
    assert terraform("fmt", "-check", "-recursive", "-no-color") == ""


def test_the_module_without_providers_passes_its_own_tests(tmp_path: Path) -> None:
    module = tmp_path / "sizing"
    shutil.copytree(FOLDER / "modules/sizing", module)
    terraform("init", "-backend=false", "-no-color", folder=module)
    said = terraform("test", "-no-color", folder=module)
    assert re.search(r"Success! [1-9]\d* passed, 0 failed\.", said), said
