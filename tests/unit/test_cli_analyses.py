"""Steps as people write them on the command line."""

from typing import Any

import pytest

from shared.cli.analyses import parse_act
from shared.cli.client import CliError


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("purchase", {"event": "purchase"}),
        ("view, click", {"any_of": ["view", "click"]}),
        (
            "purchase[properties.plan=pro; country in DE,FR]",
            {
                "event": "purchase",
                "filters": [
                    {"property": "properties.plan", "op": "eq", "value": "pro"},
                    {"property": "country", "op": "in", "value": ["DE", "FR"]},
                ],
            },
        ),
        ("[path=/]", {"filters": [{"property": "path", "op": "eq", "value": "/"}]}),
    ],
)
def test_a_step_is_read_as_it_is_written(text: str, act: dict[str, Any]) -> None:
    assert parse_act(text) == act


def test_a_bracket_that_does_not_close_is_no_step() -> None:
    with pytest.raises(CliError, match="is no step"):
        parse_act("purchase[plan=pro")
