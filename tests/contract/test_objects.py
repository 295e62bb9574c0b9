"""One contract, held by objects in memory, in a folder and in S3; then what only a real server can be asked."""

import errno
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.clock import FixedClock
from shared.config import ConfigError
from shared.objects import (
    FILES,
    MAX_LINK_SECONDS,
    ObjectInfo,
    ObjectMissingError,
    Objects,
    ObjectsRefusedError,
    ObjectsUnavailableError,
    Sink,
    check_key,
    open_objects,
)
from shared.objects.folder import FolderObjects
from shared.objects.memory import MemoryObjects
from shared.objects.s3 import PART_BYTES, S3Objects
from shared.refusals import UnavailableError
from tests.engines.s3 import S3Server

NOW = 1_800_000_000_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    found = S3Server().start()
    yield found
    found.remove()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket in moto, which takes every credential: good for the happy path only."""
    import boto3
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="made")
        yield "s3://key:secret@made/pre/fix"


@pytest.fixture(params=["memory", "folder", "moto", "server"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Objects]:
    found: Objects
    match request.param:
        case "memory":
            found = MemoryObjects(FixedClock(NOW))
        case "folder":
            found = FolderObjects(tmp_path / "objects", clock=FixedClock(NOW))
        case "moto":
            found = S3Objects(request.getfixturevalue("aws"))
        case _:
            prefix = f"t{os.urandom(6).hex()}"
            found = S3Objects(request.getfixturevalue("server").url_of(prefix=prefix))
    yield found
    found.close()


def keys(objects: Objects, prefix: str = "") -> list[str]:
    return [found.key for found in objects.list(prefix)]


def test_an_object_comes_back_as_it_was_put(objects: Objects) -> None:
    data = bytes(range(256)) * 10
    objects.put("a/b/c.bin", data, content_type="application/x-test")
    assert objects.get("a/b/c.bin") == data
    assert objects.size("a/b/c.bin") == len(data)


def test_an_empty_object_is_one(objects: Objects) -> None:
    objects.put("empty", b"")
    with objects.writer("written"):
        pass
    assert [objects.get(name) for name in ("empty", "written")] == [b"", b""]
    assert keys(objects) == ["empty", "written"]


def test_a_range_of_an_object_is_what_a_slice_is(objects: Objects) -> None:
    objects.put("x", b"0123456789")
    assert objects.get("x", 3) == b"3456789"
    assert objects.get("x", 3, 4) == b"3456"
    assert objects.get("x", 0, 1) == b"0"
    assert objects.get("x", 8, 100) == b"89"
    assert objects.get("x", 10) == b""
    assert objects.get("x", 50, 2) == b""
    assert objects.get("x", 2, 0) == b""


def test_the_last_put_wins_whole(objects: Objects) -> None:
    objects.put("x", b"long" * 100)
    objects.put("x", b"short")
    assert objects.get("x") == b"short"


def test_a_missing_object_is_told_as_missing(objects: Objects) -> None:
    for ask in (objects.get, objects.size):
        with pytest.raises(ObjectMissingError):
            ask("not/there")
    objects.delete("not/there")


def test_the_list_is_by_key_and_within_its_prefix(objects: Objects) -> None:
    for key in ("b/2", "a/10", "a/2", "ab", "b/1/x"):
        objects.put(key, key.encode())
    assert keys(objects) == ["a/10", "a/2", "ab", "b/1/x", "b/2"]
    assert keys(objects, "a/") == ["a/10", "a/2"]
    assert keys(objects, "a/1") == ["a/10"]
    assert keys(objects, "nothing/") == []
    assert list(objects.list("b/2")) == [ObjectInfo("b/2", 3)]


def test_a_deleted_object_is_gone_and_its_neighbours_stay(objects: Objects) -> None:
    objects.put("a/x", b"1")
    objects.put("a/y", b"2")
    objects.delete("a/x")
    assert keys(objects) == ["a/y"]
    objects.delete("a/y")
    assert keys(objects) == []


def test_a_long_object_is_written_piece_by_piece(objects: Objects) -> None:
    piece = os.urandom(1_000_003)
    pieces = 2 * PART_BYTES // len(piece) + 2
    with objects.writer("long") as sink:
        for _ in range(pieces):
            assert sink.write(piece) == len(piece)
    assert objects.size("long") == pieces * len(piece)
    assert objects.get("long", PART_BYTES - 10, 20) == (piece * pieces)[PART_BYTES - 10 : PART_BYTES + 10]


class OnPurposeError(Exception):
    pass


def break_off(objects: Objects, key: str, size: int) -> None:
    with objects.writer(key) as sink:
        sink.write(b"x" * size)
        raise OnPurposeError


@pytest.mark.parametrize("size", [10, PART_BYTES + 10], ids=["one part", "parts"])
def test_a_broken_off_write_leaves_the_key_as_it_was(objects: Objects, size: int) -> None:
    objects.put("kept", b"before")
    for key in ("kept", "new"):
        with pytest.raises(OnPurposeError):
            break_off(objects, key, size)
    assert keys(objects) == ["kept"]
    assert objects.get("kept") == b"before"


def test_nothing_is_visible_before_the_end_of_a_write(objects: Objects) -> None:
    with objects.writer("later") as sink:
        sink.write(b"x" * (PART_BYTES + 1))
        assert keys(objects) == []
    assert keys(objects) == ["later"]


@pytest.mark.parametrize("objects", ["folder", "server"], indirect=True)
def test_what_a_dead_writer_left_is_swept_below_its_prefix_and_what_is_whole_stays(objects: Objects) -> None:
    objects.put("ours/whole", b"w")
    left = objects.writer("ours/half"), objects.writer("others/half")
    for writer in left:
        writer.__enter__().write(b"x" * (PART_BYTES + 10))
    objects.sweep("ours/")
    objects.sweep("nobody/")
    with pytest.raises(ObjectsUnavailableError):
        left[0].__exit__(None, None, None)
    left[1].__exit__(None, None, None)
    assert keys(objects) == ["others/half", "ours/whole"]


def test_a_swept_folder_keeps_nothing_of_a_dead_writer(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    links = objects.links
    left = objects.writer("a/b/half")
    left.__enter__().write(b"x")
    objects.sweep("a/b/")
    assert [path.name for path in tmp_path.rglob("*")] == [".link-secret"]
    assert objects.links.holds("x", NOW, links._signature("x", NOW))
    with pytest.raises(ObjectsUnavailableError):
        left.__exit__(None, None, None)


def test_several_threads_write_at_once(objects: Objects) -> None:
    def write(number: int) -> None:
        with objects.writer(f"t/{number}") as sink:
            for _ in range(20):
                sink.write(bytes([number]) * 1_000)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(objects.get(f"t/{number}") == bytes([number]) * 20_000 for number in range(4))


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../b", ".hidden", "a/.b", "a b", "ü", "a\n", "x" * 600]
)
def test_a_key_that_could_lead_astray_is_none(objects: Objects, key: str) -> None:
    for refused in (lambda: objects.put(key, b""), lambda: objects.get(key), lambda: objects.delete(key)):
        with pytest.raises(ValueError, match="no key"):
            refused()
    with pytest.raises(ValueError, match="no key"):
        objects.link(key, 10)


def test_a_storage_that_works_passes_its_check(objects: Objects) -> None:
    objects.check()


@pytest.mark.parametrize("seconds", [0, -1, MAX_LINK_SECONDS + 1])
def test_a_link_holds_for_a_while_and_not_for_ever(objects: Objects, seconds: int) -> None:
    with pytest.raises(ValueError, match="a link holds"):
        objects.link("x", seconds)


# --- links


def own_link(objects: MemoryObjects | FolderObjects, link: str) -> dict[str, Any]:
    parts = urlsplit(link)
    assert parts.path == FILES
    found = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return {"key": found["path"], "expires": int(found["expires"]), "signature": found["signature"]}


@pytest.fixture(params=["memory", "folder"])
def own(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[FixedClock, MemoryObjects | FolderObjects]:
    clock = FixedClock(NOW)
    if request.param == "memory":
        return clock, MemoryObjects(clock)
    return clock, FolderObjects(tmp_path / "objects", clock=clock)


def test_our_own_link_holds_until_it_expires(own: tuple[FixedClock, MemoryObjects | FolderObjects]) -> None:
    clock, objects = own
    given = own_link(objects, objects.link("a/x", 60))
    assert given["key"] == "a/x"
    assert objects.links.holds(**given)
    clock.advance(59)
    assert objects.links.holds(**given)
    clock.advance(1)
    assert not objects.links.holds(**given)


def test_our_own_link_cannot_be_changed(own: tuple[FixedClock, MemoryObjects | FolderObjects]) -> None:
    _, objects = own
    given = own_link(objects, objects.link("a/x", 60))
    for change in (
        {"key": "a/y"},
        {"expires": given["expires"] + 1},
        {"signature": "0" * 64},
        {"signature": ""},
        {"signature": "\udc80ü"},
    ):
        assert not objects.links.holds(**{**given, **change}), change


def test_the_links_of_a_folder_survive_a_restart_and_begin_with_our_address(tmp_path: Path) -> None:
    first = FolderObjects(tmp_path / "o", public_url="https://stats.example/")
    link = first.link("x", 60)
    assert link.startswith("https://stats.example/api/v1/files?")
    again = FolderObjects(tmp_path / "o")
    assert again.holds(**own_link(again, link))
    assert (tmp_path / "o" / ".link-secret").stat().st_mode & 0o777 == 0o600
    assert keys(again) == []
    elsewhere = FolderObjects(tmp_path / "other")
    assert not elsewhere.holds(**own_link(elsewhere, link))
    assert not (tmp_path / "other").exists()


# --- the folder


def test_a_full_disk_is_told_and_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulation: the write itself fails with ENOSPC."""
    objects = FolderObjects(tmp_path / "o")
    objects.put("kept", b"before")

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def write() -> None:
        with objects.writer("kept") as sink:
            monkeypatch.setattr(sink, "_file", type("File", (), {"write": full, "close": lambda _: None})())
            sink.write(b"x")

    with pytest.raises(ObjectsUnavailableError, match="full"):
        write()
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["kept"]
    assert objects.get("kept") == b"before"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    (tmp_path / "o").mkdir(mode=0o500)
    with pytest.raises(ObjectsRefusedError, match="permission"):
        FolderObjects(tmp_path / "o").check()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "o").write_text("in the way")
    with pytest.raises((ObjectsRefusedError, ObjectsUnavailableError)):
        FolderObjects(tmp_path / "o").put("x", b"")


# --- a real server


def fetch(link: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(link, timeout=10) as reply:  # noqa: S310 (our own server)
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, b""


def test_a_link_of_a_real_server_gives_the_object_until_it_expires(server: S3Server) -> None:
    import time

    objects = S3Objects(server.url)
    objects.put("linked/x.txt", b"hello")
    link = objects.link("linked/x.txt", 2)
    assert fetch(link) == (200, b"hello")
    time.sleep(3)
    assert fetch(link)[0] == 403
    objects.close()


def test_a_link_of_a_real_server_cannot_be_changed(server: S3Server) -> None:
    objects = S3Objects(server.url)
    objects.put("linked/a", b"a")
    objects.put("linked/b", b"b")
    link = objects.link("linked/a", 600)
    assert fetch(link.replace("linked/a", "linked/b"))[0] == 403
    assert fetch(link.replace("X-Amz-Expires=600", "X-Amz-Expires=6000"))[0] == 403
    assert fetch(link[:-4] + "0000")[0] == 403
    assert fetch(link.partition("?")[0])[0] == 403
    objects.close()


def test_a_wrong_secret_and_a_wrong_key_are_refused_without_being_told(server: S3Server) -> None:
    for wrong in ({"secret": "wrong-secret-value"}, {"key": "nobody-knows-it"}):
        objects = S3Objects(server.url_of(**wrong))
        for ask in (objects.check, lambda o=objects: o.put("x", b"")):
            with pytest.raises(ObjectsRefusedError) as caught:
                ask()
            assert "wrong-secret-value" not in str(caught.value)
            assert "nobody-knows-it" not in str(caught.value)
        objects.close()


def test_a_bucket_that_is_not_there_is_refused_by_name(server: S3Server) -> None:
    objects = S3Objects(server.url_of(bucket="no-such-bucket"))
    with pytest.raises(ObjectsRefusedError, match="no-such-bucket"):
        objects.check()
    with pytest.raises(ObjectsRefusedError, match="no-such-bucket"), objects.writer("x") as sink:
        sink.write(b"x" * (PART_BYTES + 1))
    objects.close()


def test_a_server_that_dies_in_the_middle_of_an_upload_leaves_nothing_and_it_can_be_repeated() -> None:
    server = S3Server().start()
    objects = S3Objects(server.url)

    def write(sink: Sink, *, killed: bool) -> None:
        sink.write(b"x" * (PART_BYTES + 1))
        if killed:
            server.kill()
        sink.write(b"y" * (PART_BYTES + 1))

    with pytest.raises(ObjectsUnavailableError), objects.writer("x") as sink:
        write(sink, killed=True)
    server.start()
    assert keys(objects) == []
    with objects.writer("x") as sink:
        write(sink, killed=False)
    assert objects.size("x") == 2 * PART_BYTES + 2
    objects.close()
    server.remove()


def test_nobody_there_is_an_outage_and_no_refusal() -> None:
    objects = S3Objects("s3://k:s@bucket/x?endpoint=http://127.0.0.1:9")
    with pytest.raises(UnavailableError):
        objects.get("x")
    objects.close()


# --- the URL


@pytest.mark.parametrize("url", ["", "x", "ftp://a/b", "file://host/x", "file:", "s3:///prefix"])
def test_a_url_of_no_storage_is_a_fault_of_the_settings(url: str) -> None:
    with pytest.raises(ConfigError, match="SLUICE_OBJECTS_URL"):
        open_objects(url)


def test_an_unknown_parameter_is_a_fault_and_the_secret_is_not_shown() -> None:
    with pytest.raises(ConfigError, match="endpiont") as caught:
        open_objects("s3://key:topsecret@bucket/x?endpiont=http://x")
    assert "topsecret" not in str(caught.value)


def test_each_scheme_opens_its_storage(tmp_path: Path) -> None:
    assert isinstance(open_objects(tmp_path.as_uri()), FolderObjects)
    assert isinstance(open_objects("memory://"), MemoryObjects)
    assert isinstance(open_objects("s3://bucket"), S3Objects)
    assert check_key("a/b=c/part-00000.parquet") == "a/b=c/part-00000.parquet"
