"""A bound on the memory that decoding may take: a header of a few bytes can ask for gigabytes."""

import mmap
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DATA_FIELD = 5  # of /proc/self/statm: pages of data and stacks, proc(5)


@contextmanager
def bounded_memory(more: int) -> Iterator[None]:
    """Inside, this process may take ``more`` bytes; what goes beyond fails with MemoryError.

    The bound is the process's: where it runs other requests beside, they share it.
    """
    bound, hard = resource.getrlimit(resource.RLIMIT_DATA)
    pages = int(Path("/proc/self/statm").read_text().split()[_DATA_FIELD])
    wanted = pages * mmap.PAGESIZE + more
    tighter = [each for each in (bound, hard, wanted) if each != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(tighter), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (bound, hard))
