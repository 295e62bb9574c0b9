"""The smoke test of a deployment, against a whole instance: one event is sent and counted, a wrong key fails it."""

import re

import pytest

from shared.deploy import smoke
from shared.deploy.programs import DeployError
from shared.deploy.target import Target
from tests.e2e.running import Running
from tests.load.instance import ROOT


class Here(Target):
    """An installation whose hosts are one address of this machine."""

    address: str

    def url(self, host: str) -> str:
        return self.address


def here(instance: Running) -> Target:
    target = Here()
    object.__setattr__(target, "address", f"http://127.0.0.1:{instance.port}")  # a frozen class has no other way
    return target


def test_an_event_that_is_sent_is_counted(instance: Running, capsys: pytest.CaptureFixture[str]) -> None:
    project = instance.new_project()
    smoke.smoke(here(instance), (project.write_key, project.secret_key))
    assert "counted 1 after" in capsys.readouterr().out
    # What docs/upgrade.md compares during a canary; it looks at what is five minutes old, which here nothing is.
    found = re.search(r"```sql\n(.*?)```", (ROOT / "docs/upgrade.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found
    sql = found[1].replace("INTERVAL 5 MINUTE", "INTERVAL -5 MINUTE")
    [[said_stored, rows]] = instance.warehouse(sql)
    assert int(said_stored) >= int(rows) >= 1


def test_a_key_that_is_refused_fails_the_deployment(instance: Running) -> None:
    project = instance.new_project()
    with pytest.raises(DeployError, match="not accepted"):
        smoke.smoke(here(instance), ("slp_" + "x" * 43, project.secret_key))
