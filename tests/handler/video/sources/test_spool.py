"""A spool reads like the file that it fetches, whatever its readers and its origin do."""

import io
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molmo2_contract.errors import VideoUnreadable
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.sources import spool as module
from molmo2_handler.video.sources.allowance import Allowance
from molmo2_handler.video.sources.spool import Spool

CONTENT = bytes(range(256)) * 8


class Memory:
    """A remote whose transfers break off after ``longest`` bytes, if it serves ranges."""

    name = "a video in memory"
    identity = None

    def __init__(self, *, told: bool, ranges: bool, piece: int, longest: int) -> None:
        self.size = len(CONTENT) if told else None
        self.ranges = ranges
        self.open = 0
        self.sent = 0
        self._piece = piece
        self._longest = longest if ranges else len(CONTENT)

    def transfer(self, offset: int):
        assert offset == 0 or self.ranges
        assert self.open == 0, "one transfer at a time"
        self.open += 1
        try:
            for start in range(offset, min(offset + self._longest, len(CONTENT)), self._piece):
                piece = CONTENT[start : start + self._piece]
                self.sent += len(piece)
                yield piece
        finally:
            self.open -= 1

    def confirm(self) -> None: ...

    def close(self) -> None: ...


@st.composite
def remotes(draw) -> Memory:
    ranges = draw(st.booleans())
    return Memory(
        told=ranges or draw(st.booleans()),
        ranges=ranges,
        piece=draw(st.integers(1, 700)),
        longest=draw(st.integers(1, 3000)),
    )


jumps = st.lists(
    st.one_of(
        st.tuples(st.just(os.SEEK_SET), st.integers(0, 2500)),
        st.tuples(st.just(os.SEEK_END), st.integers(-2048, 100)),
        st.tuples(st.just(os.SEEK_CUR), st.integers(0, 300)),
        st.tuples(st.just(-1), st.integers(0, 600)),
    ),
    max_size=30,
)


@pytest.fixture(autouse=True, scope="module")
def small_steps():
    """So that a small file has room for jumps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "READ_AHEAD", 64)
        patch.setattr(module, "SKIP", 200)
        yield


@settings(deadline=None)
@given(remotes(), jumps)
def test_a_spool_reads_as_the_file_itself(remote: Memory, jumps) -> None:
    plain = io.BytesIO(CONTENT)
    with io.BufferedReader(Spool(remote, Allowance(VideoLimits(), None)), 16) as spool:
        for whence, amount in jumps:
            if whence == -1:
                assert spool.read(amount) == plain.read(amount)
            else:
                assert spool.seek(amount, whence) == plain.seek(amount, whence)
        spool.seek(0)
        assert spool.read() == CONTENT
    assert remote.open == 0


def test_what_was_read_once_is_not_fetched_again() -> None:
    remote = Memory(told=True, ranges=True, piece=64, longest=5000)
    spool = Spool(remote, Allowance(VideoLimits(), None))
    for _ in range(3):
        spool.seek(0)
        assert spool.readall() == CONTENT
    assert remote.sent == len(CONTENT)
    spool.close()


def test_an_error_comes_back_at_every_read() -> None:
    class Broken(Memory):
        def transfer(self, offset: int):
            yield b"x"
            raise VideoUnreadable("broken")

    spool = Spool(
        Broken(told=False, ranges=False, piece=1, longest=1), Allowance(VideoLimits(), None)
    )
    for offset in (0, 1, 1):
        spool.seek(offset)
        with pytest.raises(VideoUnreadable, match="broken"):
            spool.read(10)
    spool.close()


def test_a_closed_spool_is_not_read() -> None:
    remote = Memory(told=True, ranges=True, piece=64, longest=5000)
    spool = Spool(remote, Allowance(VideoLimits(), None))
    spool.read(1)
    spool.close()
    spool.close()
    assert remote.open == 0
    for touch in (lambda: spool.read(1), lambda: spool.seek(0)):
        with pytest.raises(ValueError, match="closed file"):
            touch()
