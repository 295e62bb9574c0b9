"""Settings: everything wrong is said at once, nothing secret is said at all."""

import dataclasses
from pathlib import Path
from typing import Literal

import pytest

from shared.config import MASK, ConfigError, load, read_env_file, setting, settings_of


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
    url: str = setting("T_URL", "Where it is.", secret=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(Group):
    port: int = setting("T_PORT", "Where it listens.", default=80)
    wait: float = setting("T_WAIT", "How long it waits.", default=0.5)
    folder: Path = setting("T_FOLDER", "Where it keeps things.", default=Path("here"))
    level: Literal["low", "high"] = setting("T_LEVEL", "How much.", default="low")
    on: bool = setting("T_ON", "Whether at all.", default=False)
    pin: int = setting("T_PIN", "A secret number.", default=0, secret=True)


def faults(**environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(Settings, environ)
    assert all(fault in str(caught.value) for fault in caught.value.faults)
    return caught.value.faults


def test_values_are_parsed_into_their_types() -> None:
    environ = {
        "T_URL": "redis://x",
        "T_PORT": "8080",
        "T_WAIT": "1.5",
        "T_FOLDER": "/a b",
        "T_LEVEL": "high",
        "T_ON": "true",
    }
    assert load(Settings, environ) == Settings(
        url="redis://x", port=8080, wait=1.5, folder=Path("/a b"), level="high", on=True
    )


def test_an_unset_and_an_empty_variable_both_give_the_default() -> None:
    given = {"T_URL": "x", "T_PORT": "", "T_FOLDER": "", "UNKNOWN": "5"}
    assert load(Settings, given) == load(Settings, {"T_URL": "x"}) == Settings(url="x")


def test_all_faults_are_reported_together_with_what_each_means() -> None:
    found = faults(T_URL="", T_PORT="many", T_LEVEL="medium", T_WAIT="x")
    assert [fault.partition("=")[0].partition(" ")[0] for fault in found] == ["T_URL", "T_PORT", "T_WAIT", "T_LEVEL"]
    assert found[0] == "T_URL is required: Where it is."
    assert "T_PORT='many'" in found[1]
    assert found[1].endswith("Where it listens.")


def test_a_secret_is_never_shown() -> None:
    [fault] = faults(T_URL="x", T_PIN="hunter2")
    assert "hunter2" not in fault
    assert MASK in fault
    assert "redis://:pass@" not in repr(load(Settings, {"T_URL": "redis://:pass@host"}))


def test_settings_are_listed_in_order_with_what_is_known_of_them() -> None:
    listed = list(settings_of(Settings))
    assert [s.name for s in listed] == ["T_URL", "T_PORT", "T_WAIT", "T_FOLDER", "T_LEVEL", "T_ON", "T_PIN"]
    assert (listed[0].required, listed[0].secret, listed[0].default) == (True, True, None)
    assert (listed[1].required, listed[1].secret, listed[1].default, listed[1].type) == (False, False, 80, int)


def test_the_process_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T_URL", "from the process")
    assert load(Settings).url == "from the process"


def test_settings_cannot_be_changed_later() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load(Settings, {"T_URL": "x"}).port = 1  # type: ignore[misc]  # that it is refused is the point


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("  A = b  ", "b"),
        ("export A=b", "b"),
        ('A="b c"', "b c"),
        ("A='b'", "b"),
        ("A=b=c", "b=c"),
        ("A=", ""),
        ("A=it's", "it's"),
        ("A='it\"s'", 'it"s'),
        ("A=ends with'", "ends with'"),
        ("A=#5", "#5"),
        ("A=пароль", "пароль"),
        ("#A=b", None),
        ("A", None),
        ("", None),
    ],
)
def test_a_line_of_an_env_file_is_an_assignment_or_nothing(line: str, value: str | None, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"# made by hand\n{line}\n", encoding="utf-8")
    assert read_env_file(tmp_path / ".env") == ({} if value is None else {"A": value})


def test_an_absent_env_file_is_empty(tmp_path: Path) -> None:
    assert read_env_file(tmp_path / ".env") == {}


def test_a_secret_mounted_as_a_file_fills_what_is_unset(tmp_path: Path) -> None:
    (tmp_path / "t-url").write_text("redis://secret\n", encoding="utf-8")
    (tmp_path / "t-port").write_text("81", encoding="utf-8")
    (tmp_path / "..data").mkdir()  # Kubernetes keeps the files of a mount behind such a folder
    given = {"SLUICE_SECRETS_DIR": str(tmp_path), "T_PORT": "80", "T_WAIT": ""}
    assert load(Settings, given) == Settings(url="redis://secret", port=80)


def test_a_folder_of_secrets_that_cannot_be_read_is_one_fault_without_their_text(tmp_path: Path) -> None:
    assert faults(SLUICE_SECRETS_DIR=str(tmp_path / "none")) == [
        f"SLUICE_SECRETS_DIR={str(tmp_path / 'none')!r} cannot be read (FileNotFoundError)"
    ]
    (tmp_path / "t-pin").write_text("hunter2", encoding="utf-8")
    [_, fault] = faults(SLUICE_SECRETS_DIR=str(tmp_path))
    assert "hunter2" not in fault
