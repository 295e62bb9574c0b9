"""How the door reads a request."""

import gzip
import zlib
from collections.abc import Callable, MutableMapping
from typing import Any

import lz4.frame
import pytest
from backports import zstd

from shared.http import ClientGoneError
from shared.local.chdb_engine import EngineError
from shared.local.door_request import Body, credentials, fields_of, form_fields, read_call

Messages = list[MutableMapping[str, Any]]


def receive_from(messages: Messages) -> Callable[[], Any]:
    left = iter(messages)

    async def receive() -> MutableMapping[str, Any]:
        return next(left)

    return receive


def chunked(data: bytes, size: int) -> Messages:
    parts: Messages = [
        {"type": "http.request", "body": data[at : at + size], "more_body": True} for at in range(0, len(data), size)
    ]
    return [*parts, {"type": "http.request", "body": b"", "more_body": False}]


def test_fields_are_sorted_into_what_they_are() -> None:
    query = (
        b"query=SELECT+%7Bx:String%7D&param_x=%C3%BC%27&database=d&default_format=CSV&query_id=q&session_id=s&max_threads=2"
        b"&async_insert=0&wait_end_of_query=1&enable_http_compression=1&user=u&password=p&http_zlib_compression_level=1"
        b"&client_protocol_version=54405&compress=1"
    )
    call = read_call(fields_of(query), {b"accept-encoding": b"br, gzip;q=0.5, zstd; q=0"})
    assert call.text == b"SELECT {x:String}"
    assert call.params == {"x": "ü'"}
    assert (call.database, call.default_format, call.query_id, call.session_id) == ("d", "CSV", "q", "s")
    assert call.settings == (("async_insert", "0"), ("max_threads", "2"))
    assert (call.whole_result, call.native_compression, call.native_decompression) == (True, True, False)
    assert call.accepts == ("br", "gzip")


def test_bytes_that_are_no_utf8_survive_the_url() -> None:
    assert read_call(fields_of(b"query=SELECT+'%ff\xfe'"), {}).text == b"SELECT '\xff\xfe'"


def test_parameter_that_is_no_utf8_is_refused() -> None:
    with pytest.raises(EngineError) as caught:
        read_call(fields_of(b"param_x=%ff"), {})
    assert caught.value.code == 36


def test_headers_stand_in_for_missing_fields() -> None:
    headers = {b"x-clickhouse-database": b"d", b"x-clickhouse-format": b"JSON", b"x-clickhouse-query-id": b"q"}
    call = read_call([], headers)
    assert (call.database, call.default_format, call.query_id) == ("d", "JSON", "q")
    assert read_call([], {}).query_id != read_call([], {}).query_id


def test_compression_is_off_when_the_client_says_so() -> None:
    assert read_call([("enable_http_compression", "0")], {b"accept-encoding": b"gzip"}).accepts == ()


@pytest.mark.parametrize("timeout", ["", "-1", "x", "3601"])
def test_impossible_session_timeout_is_refused(timeout: str) -> None:
    with pytest.raises(EngineError) as caught:
        read_call([("session_timeout", timeout)], {})
    assert caught.value.code == 374


@pytest.mark.parametrize(
    ("fields", "headers", "expected"),
    [
        ([], {}, None),
        ([("user", "u"), ("password", "p")], {}, ("u", "p")),
        ([("user", "u")], {b"x-clickhouse-user": b"h", b"x-clickhouse-key": b"\xc3\xbc"}, ("h", "ü")),
        ([], {b"authorization": b"Basic dTpwOnE="}, ("u", "p:q")),
        ([], {b"authorization": b"basic dTpw"}, ("u", "p")),
        ([], {b"authorization": b"Basic ***"}, ("", "")),
        ([], {b"x-clickhouse-key": b"k"}, ("", "k")),
    ],
)
def test_credentials_come_from_headers_basic_or_url(
    fields: list[tuple[str, str]], headers: dict[bytes, bytes], expected: tuple[str, str] | None
) -> None:
    assert credentials(fields, headers) == expected


def test_other_authorization_schemes_are_refused() -> None:
    with pytest.raises(EngineError) as caught:
        credentials([], {b"authorization": b"Bearer x"})
    assert caught.value.code == 516


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
    "lz4": lz4.frame.compress,
}


@pytest.mark.parametrize("encoding", ENCODERS)
@pytest.mark.parametrize("chunk", [1, 7, 100_000])
async def test_encoded_body_is_decoded_however_it_is_cut(encoding: str, chunk: int) -> None:
    data = b"".join(b"%d " % n for n in range(2_000))
    members = ENCODERS[encoding](data) + ENCODERS[encoding](data)
    body = Body(receive_from(chunked(members, chunk)), encoding)
    assert await body.whole() == data * 2


@pytest.mark.parametrize("encoding", ENCODERS)
async def test_body_that_is_not_what_it_says_is_refused(encoding: str) -> None:
    for wrong in (b"not compressed at all", ENCODERS[encoding](b"x" * 1_000)[:-3]):
        with pytest.raises(EngineError) as caught:
            await Body(receive_from(chunked(wrong, 10)), encoding).whole()
        assert caught.value.code == 271


async def test_body_comes_in_pieces_as_large_as_wanted() -> None:
    body = Body(receive_from(chunked(b"x" * 100, 30)), "")
    sizes = []
    while body.more():
        sizes.append(len(await body.piece(50)))
    assert sizes == [60, 40]


async def test_body_cut_off_by_the_client_is_no_body() -> None:
    messages: Messages = [{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}]
    with pytest.raises(ClientGoneError):
        await Body(receive_from(messages), "").whole()


def test_form_keeps_values_byte_for_byte() -> None:
    nasty = "a\r\nb\n\n--x\t ü\x00'"
    form = (
        f'--B\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 1\r\n'
        f'--B\r\nContent-Disposition: form-data; name="param_x"\r\nContent-Type: text/plain\r\n\r\n{nasty}\r\n--B--\r\n'
    )
    assert form_fields("multipart/form-data; boundary=B", form.encode()) == [("query", "SELECT 1"), ("param_x", nasty)]


def test_file_in_a_form_is_refused() -> None:
    form = b'--B\r\nContent-Disposition: form-data; name="t"; filename="t.csv"\r\n\r\n1\r\n--B--\r\n'
    with pytest.raises(EngineError) as caught:
        form_fields("multipart/form-data; boundary=B", form)
    assert caught.value.code == 48
