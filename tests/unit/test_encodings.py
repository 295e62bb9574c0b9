"""Packed bodies: read by what they are, whatever the header says, and never larger than allowed."""

import contextlib
import gzip
import random
import tracemalloc
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]  # it ships no types
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from shared.encodings import decompress
from shared.refusals import Refusal, Rejected

LIMIT = 100_000
EVENT = b'{"event":"a"}'


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}
HAS_MAGIC = ["gzip", "deflate", "zstd"]


def refused(body: bytes, announced: str, limit: int = LIMIT) -> Rejected:
    with pytest.raises(Rejected) as caught:
        decompress(body, announced, limit)
    return caught.value


def events(size: int) -> bytes:
    """JSON of about that size which does not shrink to nothing."""
    words = random.Random(1)
    return b"[" + b",".join(b'{"event":"%032x"}' % words.getrandbits(128) for _ in range(size // 44)) + b"]"


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("data", [EVENT, b"data=eyJ9", events(80_000)], ids=["event", "form", "many"])
def test_every_announced_encoding_is_undone(name: str, data: bytes) -> None:
    assert decompress(PACKED[name](data), name, LIMIT) == data


@given(st.binary(max_size=2_000), st.sampled_from(sorted(HAS_MAGIC)), st.sampled_from(["", *PACKED]))
def test_the_content_wins_over_a_wrong_or_missing_header(seed: bytes, name: str, announced: str) -> None:
    data = b'{"event":"' + seed.hex().encode() + b'"}'
    assert decompress(PACKED[name](data), announced, LIMIT) == data


def test_br_without_a_header_is_found_because_it_is_no_text() -> None:
    assert decompress(brotli.compress(EVENT), "", LIMIT) == EVENT


def test_a_br_stream_that_begins_like_gzip_is_read_by_its_header() -> None:
    body = b'{"event":"%s"}' % (b"ab" * 320)
    packed = brotli.compress(body, lgwin=24)
    assert (len(body), packed[:2]) == (652, b"\x1f\x8b")
    assert decompress(packed, "br", LIMIT) == body


def test_deflate_is_taken_without_its_zlib_header() -> None:
    assert decompress(raw_deflate(EVENT), "deflate", LIMIT) == EVENT


@pytest.mark.parametrize("announced", [*PACKED, "gzip, br", "identity", "", "UTF-8"])
@pytest.mark.parametrize("body", [EVENT, b"[]", b"\xef\xbb\xbf " + EVENT, b"data=%7B%7D", b"", '{"a":"é"}'.encode()])
def test_plain_text_that_claims_to_be_packed_is_taken_as_it_is(body: bytes, announced: str) -> None:
    assert decompress(body, announced, LIMIT) == body


@pytest.mark.parametrize("announced", ["gzip, br", " GZIP ,BR ", "identity, x-gzip, br"])
def test_encodings_are_undone_from_the_last_to_the_first(announced: str) -> None:
    assert decompress(brotli.compress(gzip.compress(EVENT)), announced, LIMIT) == EVENT


def test_a_body_packed_twice_by_mistake_is_read() -> None:
    assert decompress(gzip.compress(gzip.compress(EVENT)), "gzip", LIMIT) == EVENT


@pytest.mark.parametrize("announced", ["compress", "gzip, exi", "*", "gzip;q=1", ", ".join(["gzip"] * 4)])
def test_an_encoding_nobody_knows_is_refused_by_name(announced: str) -> None:
    assert refused(EVENT, announced).refusal is Refusal.UNSUPPORTED_MEDIA_TYPE


def test_more_layers_than_three_are_refused() -> None:
    body = EVENT
    for _ in range(4):
        body = gzip.compress(body)
    assert refused(body, "").refusal is Refusal.UNSUPPORTED_MEDIA_TYPE


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("keep", [0.2, 0.5, 0.95])
def test_a_cut_off_stream_is_refused(name: str, keep: float) -> None:
    whole = PACKED[name](events(20_000))
    assert refused(whole[: int(len(whole) * keep)], name).refusal is Refusal.BAD_ENCODING


@pytest.mark.parametrize("name", HAS_MAGIC)
def test_a_stream_with_a_changed_byte_at_its_end_is_refused(name: str) -> None:
    whole = bytearray(zlib.compress(EVENT) if name == "deflate" else PACKED[name](EVENT))
    if name == "zstd":  # its checksum is off by default
        whole = bytearray(zstd.compress(EVENT, options={int(zstd.CompressionParameter.checksum_flag): 1}))
    whole[-1 if name != "gzip" else -5] ^= 0xFF
    assert refused(bytes(whole), name).refusal is Refusal.BAD_ENCODING


@pytest.mark.parametrize("name", PACKED)
def test_bytes_after_the_end_of_a_stream_are_refused_not_lost(name: str) -> None:
    assert refused(PACKED[name](EVENT) + b"more", name).refusal is Refusal.BAD_ENCODING


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_several_members_are_one_body_and_zeros_may_follow(name: str) -> None:
    assert decompress(PACKED[name](EVENT) + PACKED[name](b"\n" + EVENT) + bytes(512), name, LIMIT) == (
        EVENT + b"\n" + EVENT
    )


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_a_flood_of_empty_members_is_refused_before_it_costs_time(name: str) -> None:
    assert "members" in refused(PACKED[name](b"") * 100_000, name).detail


@pytest.mark.parametrize("name", PACKED)
def test_the_limit_is_exact(name: str) -> None:
    assert len(decompress(PACKED[name](bytes(5_000)), name, 5_000)) == 5_000
    assert refused(PACKED[name](bytes(5_001)), name, 5_000).refusal is Refusal.BODY_TOO_LARGE


def test_the_limit_holds_over_several_members() -> None:
    assert refused(gzip.compress(bytes(3_000)) * 2, "gzip", 5_000).refusal is Refusal.BODY_TOO_LARGE


@pytest.mark.parametrize("name", PACKED)
def test_a_bomb_is_refused_with_the_memory_of_its_limit(name: str) -> None:
    bomb = PACKED[name](bytes(60_000_000))
    tracemalloc.start()
    try:
        assert refused(bomb, name, 1_000_000).refusal is Refusal.BODY_TOO_LARGE
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_a_zstd_window_larger_than_http_allows_is_refused() -> None:
    options = {int(zstd.CompressionParameter.window_log): 27, int(zstd.CompressionParameter.content_size_flag): 0}
    packer = zstd.ZstdCompressor(options=options)
    body = packer.compress(EVENT) + packer.flush()
    assert refused(body, "zstd").refusal is Refusal.BAD_ENCODING


@given(st.binary(max_size=300), st.sampled_from(["", *PACKED, "gzip, br"]))
def test_no_bytes_get_anything_but_an_answer_or_a_refusal(body: bytes, announced: str) -> None:
    with contextlib.suppress(Rejected):
        decompress(body, announced, 1_000)


@given(st.binary(max_size=300), st.sampled_from([b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd", b"\x78\x9c"]))
def test_no_bytes_after_a_magic_get_anything_but_an_answer_or_a_refusal(body: bytes, magic: bytes) -> None:
    with pytest.raises(Rejected):
        decompress(magic + body + b"?", "", 1_000)
