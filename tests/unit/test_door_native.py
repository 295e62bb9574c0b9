"""ClickHouse's own frames: checksum vectors come from the reference implementation of CityHash 1.0.2."""

import random
import struct

import lz4.block
import pytest

from shared.local.door_native import NativeFrames, city_hash_128


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (8, "b5c979d1e19b8f4fe6407d93197ce37a"),
        (11, "25f415d3b8fc190f55eaf8849eb1df1c"),
        (20, "fc1d4f0dda6a1a8e24058bfe735d940b"),
        (100, "50c580ec698da15064e3d1c5b848c0c8"),
        (150, "eaa36feed037231cf0489ae4c9405d49"),
        (300, "e568eb20911251db0d6614322eb714b9"),
        (1000, "3e463966e0c65342d72983eba0aef12d"),
    ],
)
def test_checksum_is_cityhash128(size: int, expected: str) -> None:
    assert city_hash_128(bytes(n * 7 % 256 for n in range(size))).hex() == expected


@pytest.mark.parametrize("size", [0, 1, 5, 262_144, 1_000_000])
def test_frames_hold_the_data(size: int) -> None:
    data = random.Random(7).randbytes(size // 2) + b"a" * (size - size // 2)
    frames = NativeFrames()
    stream = frames.compress(data) + frames.flush()
    read = b""
    while stream:
        method, compressed, plain = struct.unpack_from("<BII", stream, 16)
        assert method == 0x82
        assert stream[:16] == city_hash_128(stream[16 : 16 + compressed])
        read += lz4.block.decompress(stream[25 : 16 + compressed], uncompressed_size=plain)
        stream = stream[16 + compressed :]
    assert read == data
