"""The chart's renderings keep every rule, and a copy that breaks a rule is caught by it.

Helm renders each file of values once in a process. `.ci/infra` builds it; where it is not built these skip.
"""

import pytest

from tests.infra.lint import schemas
from tests.infra.lint.breaks import BREAKS
from tests.infra.lint.rendering import CHOICES, VALUES, lint, world
from tests.infra.lint.rules import RULES
from tests.infra.lint.world import World

PRODUCTION = "production"


@pytest.mark.parametrize("values", VALUES)
def test_a_rendering_keeps_every_rule(values: str) -> None:
    found = world(VALUES[values])
    assert [f"{name}: {fault}" for name, rule in RULES.items() for fault in rule(found)] == []


@pytest.mark.parametrize("values", VALUES)
def test_every_object_fits_its_schema(values: str) -> None:
    if not schemas.there():
        pytest.skip(f"the schemas of Kubernetes and its extensions are not at {schemas.folder()}")
    assert [fault for one in world(VALUES[values]).objects for fault in schemas.faults_of(one)] == []


def test_a_field_that_no_schema_knows_is_found() -> None:
    if not schemas.there():
        pytest.skip(f"the schemas of Kubernetes and its extensions are not at {schemas.folder()}")
    broken = world(VALUES[PRODUCTION]).copy()
    for one in broken.objects:
        if (one["apiVersion"], one["kind"]) not in schemas.UNCHECKED and one["kind"] not in {"Trigger", "Secret"}:
            one.get("spec", one)["unheardOf"] = True
            assert list(schemas.faults_of(one)), one["kind"]


@pytest.mark.parametrize("values", ["defaults", PRODUCTION])
def test_helm_finds_nothing_to_complain_about(values: str) -> None:
    lint(VALUES[values])


@pytest.mark.parametrize("choice", CHOICES)
def test_other_choices_keep_the_rules_too(choice: str) -> None:
    found = world((), CHOICES[choice])
    assert [f"{name}: {fault}" for name, rule in RULES.items() for fault in rule(found)] == []
    assert [fault for one in found.objects for fault in schemas.faults_of(one)] == [] or not schemas.there()


@pytest.mark.parametrize("name", RULES)
def test_a_rule_sees_each_way_to_break_it(name: str) -> None:
    whole = world(VALUES[PRODUCTION])
    for number, breaking in enumerate(BREAKS[name]):
        copy = whole.copy()
        changed = breaking(copy)
        broken = changed if isinstance(changed, World) else copy
        assert list(RULES[name](broken)), f"way {number} to break {name} is not seen"


def test_every_rule_has_a_broken_copy() -> None:
    assert set(BREAKS) == set(RULES)
    assert all(BREAKS.values())
