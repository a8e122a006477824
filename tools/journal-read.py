#!/usr/bin/env python3
"""Reads a journal by doc/format/journal.md alone, sharing nothing with the library: the second
opinion on the format. For small stores; all of it in plain Python.

    tools/journal-read.py DIR                 what is in it, a line each; exit 1 at the first wrong byte
    tools/journal-read.py DIR --expect FILE   also exit 1 if the lines are not those of the file
"""

import hashlib
import pathlib
import re
import struct
import sys

U64 = (1 << 64) - 1
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
    "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")
P32 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
P64 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5


class Wrong(Exception):
    pass


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def word(data, at):
    return int.from_bytes(data[at:at + 8], "little")


def fold(a, b):
    return (a * b & U64) ^ (a * b >> 64)


def mix(data, at, secret):
    return fold(word(data, at) ^ word(SECRET, secret), word(data, at + 8) ^ word(SECRET, secret + 8))


def avalanche(h):
    h ^= h >> 37
    h = h * 0x165667919E3779F9 & U64
    return h ^ h >> 32


def xxh3_64(data):
    """For the lengths that a body has: 0, 16, or more by 8."""
    n = len(data)
    if n == 0:
        return 0x2D06800538D394C2
    if n == 16:
        low = word(data, 0) ^ word(SECRET, 24) ^ word(SECRET, 32)
        high = word(data, 8) ^ word(SECRET, 40) ^ word(SECRET, 48)
        return avalanche(n + int.from_bytes(low.to_bytes(8, "little"), "big") + high + fold(low, high) & U64)
    if n <= 128:
        h = n * P64[0]
        for i in range((n - 1) // 32 + 1):
            h += mix(data, 16 * i, 32 * i) + mix(data, n - 16 * (i + 1), 32 * i + 16)
        return avalanche(h & U64)
    if n <= 240:
        h = avalanche(n * P64[0] + sum(mix(data, 16 * i, 16 * i) for i in range(8)) & U64)
        h += sum(mix(data, 16 * i, 16 * (i - 8) + 3) for i in range(8, n // 16))
        return avalanche(h + mix(data, n - 16, 119) & U64)
    lanes = [P32[2], P64[0], P64[1], P64[2], P64[3], P32[1], P64[4], P32[0]]

    def stripe(at, secret):
        for i in range(8):
            value = word(data, at + 8 * i)
            key = value ^ word(SECRET, secret + 8 * i)
            lanes[i ^ 1] = lanes[i ^ 1] + value & U64
            lanes[i] = lanes[i] + (key & 0xFFFFFFFF) * (key >> 32) & U64

    for number in range((n - 1) // 64):
        stripe(64 * number, 8 * (number % 16))
        if number % 16 == 15:
            for i in range(8):
                lanes[i] = (lanes[i] ^ lanes[i] >> 47 ^ word(SECRET, 128 + 8 * i)) * P32[0] & U64
    stripe(n - 64, 121)
    return avalanche(n * P64[0] + sum(fold(lanes[2 * i] ^ word(SECRET, 11 + 16 * i), lanes[2 * i + 1] ^ word(SECRET, 19 + 16 * i))
                                      for i in range(4)) & U64)


def unwhiten(data, offset, salt, pattern):
    def key(at):
        x = salt ^ at
        for _ in range(2):
            x = (x ^ x >> 32) * 0xD6E8FEB86659FD93 & U64
        return x ^ x >> 32 ^ pattern * 0x9E3779B97F4A7C15 & U64
    if pattern == 0:
        return data
    return b"".join((word(data, at) ^ key(offset + at)).to_bytes(8, "little") for at in range(0, len(data), 8))


def need(right, what):
    if not right:
        raise Wrong(what)


def page(data, magic, what):
    need(len(data) == 4096 and data[:4] == magic, f"{what}: magic")
    need(struct.unpack_from("<I", data, 4)[0] == crc32c(data[8:]), f"{what}: checksum")
    return data


def features(data, what):
    version, zero, compat, ro_compat, incompat = struct.unpack_from("<IIQQQ", data, 8)
    need(version == 1 and zero == 0 and incompat == 0, f"{what}: features")
    return ro_compat


def control(folder):
    found = []
    for name in ("CONTROL.a", "CONTROL.b"):
        try:
            data = page((folder / name).read_bytes(), b"TDCT", name)
            features(data, name)
            found.append((struct.unpack_from("<Q", data, 56)[0], name, data))
        except (OSError, Wrong) as why:
            print(f"{name} is not valid: {why}")
    need(found, "no valid CONTROL")
    generation, name, data = max(found)
    epoch, time, first, active, first_position, base = struct.unpack_from("<QqIIQQ", data, 64)
    clean, zero, end, position = struct.unpack_from("<IIQQ", data, 136)
    print(f"{name} generation {generation} epoch {epoch} segments {first}..{active} from {first_position}"
          f" active {base:016x} {f'clean at {end} position {position}' if clean else 'not closed'}")
    return data[40:56]


def records(body, count, position, at):
    """Yields (position, positions, offset, body) and checks all of them."""
    for _ in range(count):
        need(len(body) >= 16, f"{at}: no room for a record")
        length, crc = struct.unpack_from("<II", body)
        size = length + 7 & ~7
        need(8 < length and size <= len(body), f"{at}: length of a record")
        data = body[8:length]
        need(crc == crc32c(data) and not any(body[length:size]) and data[0] > 0, f"{at}: record")
        positions = 1
        if data[0] == 1:
            first, positions = struct.unpack_from("<QQ", data, 8)
            need(length == 32 and not any(data[1:8]) and first == position and positions > 0, f"{at}: hole")
        yield position, positions, at, data
        body, at, position = body[size:], at + size, position + positions


def frame(data, at, end, salt, chained, chain, position):
    """Prints one frame; its size and what follows it."""
    crc, place, first, size, count, durable, epoch, flags, xxh, previous, time = struct.unpack_from("<IQQIIQQQQ32sq", data, at + 4)
    need(crc == crc32c(data[at + 8:at + 104]), f"{at}: header")
    need(place == salt ^ at, f"{at}: place")
    need(flags & 0xFFFFFFFF & ~0x3F == 0, f"{at}: flags")
    need(size % 8 == 0 and at + 104 + size <= end and 4096 <= durable <= at, f"{at}: bounds")
    need(time > 0 and epoch > 0 and first == position, f"{at}: fields")
    need(previous == (chain if chained else bytes(32)), f"{at}: chain")
    stored = data[at + 104:at + 104 + size]
    need(xxh == xxh3_64(stored), f"{at}: body")
    names = [name for bit, name in ((8, "mark"), (16, "seal"), (32, "strict")) if flags & bit]
    print(f"frame {at} {104 + size} first {first} records {count} durable {durable} epoch {epoch} time {time}"
          f" {' '.join(names + [f'pattern {flags & 7}'])}")
    body, used = unwhiten(stored, at + 104, salt, flags & 7), 0
    for position, positions, offset, record in records(body, count, first, at + 104):
        shown = record[:16].hex() + ("..." if len(record) > 16 else "")
        print(f"record {position} {f'hole of {positions}' if record[0] == 1 else f'kind {record[0]}'} at {offset} bytes {len(record)} {shown}")
        used, position = offset - at - 104 + (len(record) + 15 & ~7), position + positions
    rest = body[used:]
    need(set(rest) <= {0x2E} and len(rest) < 4096 if flags & 32 else not rest, f"{at}: behind the records")
    return 104 + size, position, hashlib.sha256(data[at:at + 104 + size]).digest()


def footer(data, what):
    page(data, b"TDFT", what)
    following, end, frames, live, missing, first, last = struct.unpack_from("<QQQQQqq", data, 32)
    rewritings = struct.unpack_from("<I", data, 136)[0]
    print(f"footer next {following} end {end} frames {frames} records {live} missing {missing} rewritings {rewritings}")
    return end, following, data[256 + 16:256 + 48] if rewritings else data[104:136]


def segment(path, store, position, chain):
    data = path.read_bytes()
    head = page(data[:4096], b"TDSG", path.name)
    chained = features(head, path.name) & 1
    base, salt, number, rewrites, size, time = struct.unpack_from("<QQIIQq", head, 56)
    print(f"segment {path.name} number {number} rewrites {rewrites} bytes {size} chain {head[96:104].hex()}...")
    need(size == len(data) and head[40:56] == store, f"{path.name}: not of this store")
    need(path.name == f"seg-{base:016x}.log" and position in (None, base), f"{path.name}: position")
    need(chain in (None, head[96:128]), f"{path.name}: chain")
    position, chain, at, end, ends = base, head[96:128], 4096, size - 4096, None
    if any(data[-4096:]):
        ends = footer(data[-4096:], path.name)
        end = ends[0]
    while at + 104 <= end and data[at:at + 4] == b"TDMF":
        taken, position, chain = frame(data, at, end, salt, chained, chain, position)
        at += taken
    need(not any(data[at:size - 4096]), f"{path.name}: {at}: neither a frame nor zeros")
    if ends:
        need(at == end and position == ends[1], f"{path.name}: frames and footer differ")
        chain = ends[2]
    return position, chain


def main():
    args = sys.argv[1:]
    folder = pathlib.Path(args[0])
    lines = []

    def note(text):
        lines.append(text)
        write(text)
    global print
    write, print = print, note
    position = chain = None
    try:
        store = control(folder)
        for path in sorted(folder.iterdir()):
            if re.fullmatch(r"seg-[0-9a-f]{16}\.log", path.name):
                position, chain = segment(path, store, position, chain)
    except Wrong as why:
        note(f"wrong: {why}")
        return 1
    if args[1:2] == ["--expect"] and lines != pathlib.Path(args[2]).read_text().splitlines():
        write(f"these are not the lines of {args[2]}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
