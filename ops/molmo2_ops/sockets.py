"""TorchServe's sockets: who listens, and what callers have not yet received."""

from collections.abc import Iterator
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENING = "0A"


def unsent_bytes(ports: tuple[int, ...]) -> int:
    """Bytes in the send queues of connections whose near end is one of ``ports``."""
    # Of a listening socket the queues mean something else.
    return sum(
        queued for port, state, queued in _sockets() if port in ports and state != _LISTENING
    )


def is_listening(ports: tuple[int, ...]) -> bool:
    """Whether anybody takes connections on one of ``ports``."""
    return any(port in ports and state == _LISTENING for port, state, _ in _sockets())


def _sockets() -> Iterator[tuple[int, str, int]]:
    """Local port, state and bytes queued of every TCP socket (proc(5), /proc/net/tcp)."""
    for table in _TABLES:
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            local, _, state, queues = line.split()[1:5]
            yield int(local.rpartition(":")[2], 16), state, int(queues.partition(":")[0], 16)
