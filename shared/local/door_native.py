"""ClickHouse's own compression of answers, `compress=1`, which the JDBC driver (DBeaver) asks for.

A frame is a checksum, a method byte, both sizes, and an LZ4 block. The checksum is CityHash128 as of CityHash
1.0.2 (Pike and Alakuijala), here in Python: about 0.05 s for a megabyte of compressed bytes.
"""

import importlib
import struct

_FRAME = 256 * 1024
_HEAD = struct.Struct("<BII")
_LZ4 = 0x82

_MASK = 0xFFFFFFFFFFFFFFFF
_K0 = 0xC3A5C85C97CB3127
_K1 = 0xB492B66FBE98F273
_K2 = 0x9AE16A3B2F90404F
_K3 = 0xC949D7C7509E6557
_MULTIPLIER = 0x9DDFEA08EB382D69

_WORD = struct.Struct("<Q")
_HALF = struct.Struct("<I")
_PAIR = struct.Struct("<QQ")
_FOUR = struct.Struct("<4Q")
_SIXTEEN = struct.Struct("<16Q")

# CityHash picks its way by these lengths.
_LONG = 128
_STEP = 32

Two = tuple[int, int]


class NativeFrames:
    """A compressor with the methods of zlib's: each call gives complete frames."""

    def __init__(self) -> None:
        self._lz4 = importlib.import_module("lz4.block")

    def compress(self, data: bytes, /) -> bytes:
        return b"".join(self._frame(data[at : at + _FRAME]) for at in range(0, len(data), _FRAME))

    def flush(self) -> bytes:
        return b""

    def _frame(self, data: bytes) -> bytes:
        block: bytes = self._lz4.compress(data, store_size=False)
        body = _HEAD.pack(_LZ4, _HEAD.size + len(block), len(data)) + block
        return city_hash_128(body) + body


def city_hash_128(data: bytes) -> bytes:
    """CityHash128 of at least 8 bytes, as ClickHouse writes it: low half first, little-endian."""
    size = len(data)
    if size >= _PAIR.size:
        seed = _word(data, 0) ^ _K3, _word(data, 8)
        rest = data[16:]
    else:
        seed = _word(data, 0) ^ (size * _K0 & _MASK), _word(data, size - 8) ^ _K1
        rest = b""
    return _PAIR.pack(*(_city_long(rest, seed) if len(rest) >= _LONG else _city_murmur(rest, seed)))


def _word(data: bytes, at: int) -> int:
    word: int = _WORD.unpack_from(data, at)[0]
    return word


def _rotated(value: int, by: int) -> int:
    value &= _MASK
    return (value >> by | value << (64 - by)) & _MASK


def _mixed(value: int) -> int:
    value &= _MASK
    return value ^ value >> 47


def _two_to_one(low: int, high: int) -> int:
    high &= _MASK
    first = _mixed((low ^ high) * _MULTIPLIER)
    return _mixed((high ^ first) * _MULTIPLIER) * _MULTIPLIER & _MASK


def _up_to_16(data: bytes) -> int:
    size = len(data)
    if size > _WORD.size:
        last = _word(data, size - 8)
        return _two_to_one(_word(data, 0), _rotated(last + size, size)) ^ last
    if size >= _HALF.size:
        first, last = _HALF.unpack_from(data, 0)[0], _HALF.unpack_from(data, size - 4)[0]
        return _two_to_one(size + (first << 3), last)
    if size:
        head = data[0] + (data[size >> 1] << 8)
        tail = size + (data[-1] << 2)
        return _mixed(head * _K2 ^ tail * _K3) * _K2 & _MASK
    return _K2


def _city_murmur(data: bytes, seed: Two) -> Two:
    size = len(data)
    a, b = seed
    if size <= _PAIR.size:
        a = _mixed(a * _K1) * _K1 & _MASK
        c = (b * _K1 + _up_to_16(data)) & _MASK
        d = _mixed(a + (_word(data, 0) if size >= _WORD.size else c))
    else:
        c = _two_to_one((_word(data, size - 8) + _K1) & _MASK, a)
        d = _two_to_one((b + size) & _MASK, c + _word(data, size - 16))
        a = (a + d) & _MASK
        for at in range(0, size - 16, 16):
            first, second = _PAIR.unpack_from(data, at)
            a = (a ^ _mixed(first * _K1) * _K1 & _MASK) * _K1 & _MASK
            b ^= a
            c = (c ^ _mixed(second * _K1) * _K1 & _MASK) * _K1 & _MASK
            d ^= c
    a = _two_to_one(a, c)
    b = _two_to_one(d, b)
    return a ^ b, _two_to_one(b, a)


def _weak(words: tuple[int, ...], a: int, b: int) -> Two:
    first, second, third, fourth = words
    a += first
    b = _rotated(b + a + fourth, 21)
    start = a
    a += second + third
    b += _rotated(a, 44)
    return (a + fourth) & _MASK, (b + start) & _MASK


def _city_long(data: bytes, seed: Two) -> Two:
    size = len(data)
    x, y = seed
    z = size * _K1 & _MASK
    v0 = (_rotated(y ^ _K1, 49) * _K1 + _word(data, 0)) & _MASK
    v = v0, (_rotated(v0, 42) * _K1 + _word(data, 8)) & _MASK
    w = (_rotated(y + z, 35) * _K1 + x) & _MASK, _rotated(x + _word(data, 88), 53) * _K1 & _MASK
    end = size - size % _LONG
    for at in range(0, end, _LONG):
        words = _SIXTEEN.unpack_from(data, at)
        for half in (words[:8], words[8:]):
            x = _rotated(x + y + v[0] + half[2], 37) * _K1 & _MASK ^ w[1]
            y = _rotated(y + v[1] + half[6], 42) * _K1 & _MASK ^ v[0]
            z = _rotated(z ^ w[0], 33)
            v = _weak(half[:4], v[1] * _K1, x + w[0])
            w = _weak(half[4:], z + w[1], y)
            z, x = x, z
    y = (y + _rotated(w[0], 37) * _K0 + z) & _MASK
    x = (x + _rotated(v[0] + z, 49) * _K0) & _MASK
    # the tail is read backwards, beyond its start if need be
    for at in range(size - _STEP, end - _STEP, -_STEP):
        y = (_rotated(y - x, 42) * _K0 + v[1]) & _MASK
        w0 = w[0] + _word(data, at + 16)
        x = (_rotated(x, 49) * _K0 + w0) & _MASK
        w = (w0 + v[0]) & _MASK, w[1]
        v = _weak(_FOUR.unpack_from(data, at), v[0], v[1])
    x = _two_to_one(x, v[0])
    y = _two_to_one(y, w[0])
    return (_two_to_one((x + v[1]) & _MASK, w[1]) + y) & _MASK, _two_to_one((x + w[1]) & _MASK, y + v[1])
