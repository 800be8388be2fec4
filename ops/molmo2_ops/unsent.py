"""What TorchServe has written to its callers and they have not yet received."""

from collections.abc import Iterator
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


def unsent_bytes(ports: tuple[int, ...]) -> int:
    """Bytes in the send queues of connections whose near end is one of ``ports``."""
    return sum(queued for port, queued in _queues() if port in ports)


def _queues() -> Iterator[tuple[int, int]]:
    """Local port and bytes queued of every TCP socket (proc(5), /proc/net/tcp)."""
    for table in _TABLES:
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            local, _, state, queues = line.split()[1:5]
            if state != "0A":  # of a listening socket the queues mean something else
                yield int(local.rpartition(":")[2], 16), int(queues.partition(":")[0], 16)
