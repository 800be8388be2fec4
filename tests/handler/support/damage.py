"""Damaged videos: small ones of many kinds, each broken in one way that its seed decides."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

VIDEOS = Path(__file__).parents[1] / "video" / "golden" / "videos"
EXTREMES = (0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
NUMBERED_BOXES = (
    *(b"mvhd", b"tkhd", b"mdhd", b"elst", b"stts", b"ctts", b"stsc", b"stsz", b"stco", b"stss"),
    *(b"avc1", b"hvc1", b"hev1", b"avcC", b"hvcC", b"trun", b"tfhd", b"mfhd", b"trex", b"mp4a"),
)
BOXES = (*NUMBERED_BOXES, b"ftyp", b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mdat", b"moof")

Damage = Callable[[random.Random, bytes], bytes]


@dataclass(frozen=True)
class DamagedFile:
    """``name`` says what was done to which video, and with which seed."""

    name: str
    content: bytes


def damaged_files(count: int, first_seed: int = 0) -> Iterator[DamagedFile]:
    """The same files for the same seeds; kinds of damage and kinds of video take turns."""
    whole = {path.name: path.read_bytes() for path in sorted(VIDEOS.iterdir())}
    names = list(whole)
    for seed in range(first_seed, first_seed + count):
        chance = random.Random(seed)
        damage = DAMAGES[seed % len(DAMAGES)]
        name = chance.choice(names)
        content = damage(chance, whole[name])
        yield DamagedFile(f"{seed}-{damage.__name__}-{name}", content)


def bits_flipped(chance: random.Random, content: bytes) -> bytes:
    broken = bytearray(content)
    for _ in range(chance.choice((1, 4, 32, 256))):
        broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
    return bytes(broken)


def header_bits_flipped(chance: random.Random, content: bytes) -> bytes:
    start = content.find(b"moov") if b"moov" in content else 0
    part = content[start : start + 1500]
    return content[:start] + bits_flipped(chance, part) + content[start + 1500 :]


def truncated(chance: random.Random, content: bytes) -> bytes:
    return content[: chance.randrange(1, len(content))]


def beginning_lost(chance: random.Random, content: bytes) -> bytes:
    return content[chance.randrange(1, len(content)) :]


def overwritten(chance: random.Random, content: bytes) -> bytes:
    start, end = _range(chance, content)
    filling = chance.choice((b"\0", b"\xff", chance.randbytes(1)))
    return content[:start] + filling * (end - start) + content[end:]


def randomised(chance: random.Random, content: bytes) -> bytes:
    start, end = _range(chance, content)
    return content[:start] + chance.randbytes(end - start) + content[end:]


def part_lost(chance: random.Random, content: bytes) -> bytes:
    start, end = _range(chance, content)
    return content[:start] + content[end:]


def part_repeated(chance: random.Random, content: bytes) -> bytes:
    start, end = _range(chance, content)
    return content[:end] + content[start:end] * chance.choice((1, 2, 50)) + content[end:]


def parts_swapped(chance: random.Random, content: bytes) -> bytes:
    a, b, c, d = sorted(chance.randrange(len(content)) for _ in range(4))
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def boxes_swapped(chance: random.Random, content: bytes) -> bytes:
    """Two boxes of an ISO file change places, at whatever depth; parts of any other file do."""
    places = _boxes(content, BOXES)
    if len(places) < 2:
        return parts_swapped(chance, content)
    (a, a_end), (b, b_end) = sorted(chance.sample(places, 2))
    if b < a_end:  # one in the other: the inner one comes out
        return content[:b] + content[b_end:a_end] + content[b:b_end] + content[a_end:]
    return content[:a] + content[b:b_end] + content[a_end:b] + content[a:a_end] + content[b_end:]


def giant_size_declared(chance: random.Random, content: bytes) -> bytes:
    """A box says that it is as large as a number can say, or is given a size of eight bytes."""
    places = _boxes(content, BOXES)
    if not places:
        return number_replaced(chance, content)
    start, _ = chance.choice(places)
    if chance.random() < 0.5:
        return _put(content, start, chance.choice(EXTREMES))
    large = chance.choice((2**31, 2**40, 2**62, 2**63 - 1, 2**64 - 1)).to_bytes(8, "big")
    return (
        content[:start]
        + b"\0\0\0\1"
        + content[start + 4 : start + 8]
        + large
        + content[start + 8 :]
    )


def header_lies(chance: random.Random, content: bytes) -> bytes:
    """Counts, sizes, times and durations in the boxes that hold them become extreme."""
    places = _boxes(content, NUMBERED_BOXES)
    if not places:
        return number_replaced(chance, content)
    for _ in range(chance.choice((1, 1, 3))):
        start, end = chance.choice(places)
        place = start + 8 + 4 * chance.randrange(max((end - start - 8) // 4, 1))
        content = _put(content, place, chance.choice(EXTREMES))
    return content


def no_duration(chance: random.Random, content: bytes) -> bytes:
    """Every duration and time scale of an ISO file is 0, or one of them."""
    fields = ((b"mvhd", 20), (b"mvhd", 24), (b"mdhd", 20), (b"mdhd", 24), (b"tkhd", 28))
    chosen = fields if chance.random() < 0.5 else chance.sample(fields, 1)
    places = [(start, offset) for kind, offset in chosen for start, _ in _boxes(content, (kind,))]
    for start, _ in _boxes(content, (b"stts",)):
        places += [(start, 20 + 8 * entry) for entry in range(4)]
    if not places:
        return number_replaced(chance, content)
    for start, offset in places:
        content = _put(content, start + offset, 0)
    return content


def number_replaced(chance: random.Random, content: bytes) -> bytes:
    """Some bytes of the header become an extreme number, in either order of bytes."""
    for _ in range(chance.choice((1, 2, 4))):
        place = chance.randrange(min(len(content), 1024))
        width = chance.choice((1, 2, 4, 8))
        number = chance.choice((0, 1, 2 ** (8 * width - 1) - 1, 2 ** (8 * width) - 1))
        written = number.to_bytes(width, chance.choice(("big", "little")))
        content = content[:place] + written + content[place + width :]
    return content


def another_header(chance: random.Random, content: bytes) -> bytes:
    """The beginning of another video, and the rest of this one."""
    other = chance.choice(sorted(VIDEOS.iterdir())).read_bytes()
    cut = chance.randrange(min(len(other), len(content)))
    return other[:cut] + content[cut:]


def _range(chance: random.Random, content: bytes) -> tuple[int, int]:
    start = chance.randrange(len(content))
    return start, min(start + chance.choice((1, 8, 64, 512, 4096)), len(content))


def _boxes(content: bytes, kinds: tuple[bytes, ...]) -> list[tuple[int, int]]:
    """Where boxes of ISO/IEC 14496-12 of these kinds begin and end."""
    found = []
    for kind in kinds:
        place = content.find(kind)
        while place >= 4:
            size = int.from_bytes(content[place - 4 : place], "big")
            if 8 <= size <= len(content) - place + 4:
                found.append((place - 4, place - 4 + size))
            place = content.find(kind, place + 1)
    return found


def _put(content: bytes, place: int, number: int) -> bytes:
    return content[:place] + number.to_bytes(4, "big") + content[place + 4 :]


DAMAGES: tuple[Damage, ...] = (
    *(bits_flipped, header_bits_flipped, truncated, beginning_lost, overwritten, randomised),
    *(part_lost, part_repeated, parts_swapped, boxes_swapped, giant_size_declared, header_lies),
    *(no_duration, number_replaced, another_header),
)
