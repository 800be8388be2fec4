"""Which network addresses may be connected to, and the addresses of a host."""

import queue
import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from molmo2_contract.errors import VideoForbidden, VideoUnreadable
from molmo2_handler.video.sources.allowance import Allowance

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], list[str]]
"""The addresses of a host, as text. Raises OSError."""

_NOT_PUBLIC = [
    ip_network(network)
    for network in (
        "100.64.0.0/10",  # shared by carriers; the metadata of Alibaba Cloud
        "168.63.129.16/32",  # the metadata of Azure, a public address by its looks
        "192.0.0.0/24",  # protocol assignments; the metadata of Oracle Cloud
        "192.88.99.0/24",  # relays of 6to4
        "198.18.0.0/15",  # benchmarks
        "::/96",  # IPv4 within IPv6, as it was once written
        "64:ff9b:1::/48",  # local translation to IPv4
        "100::/64",  # discarded
        "2001::/23",  # Teredo and other protocols
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fec0::/10",  # once site-local
    )
]
"""What ``is_global`` lets through in one version of Python or another, or for good."""

_TRANSLATED = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the IPv4 address


def system_resolver(host: str, port: int) -> list[str]:
    """The addresses of ``host``, in the order in which they should be tried."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def checked_addresses(
    host: str, port: int, networks: Sequence[Network], allowance: Allowance, resolve: Resolve
) -> list[str]:
    """The addresses of ``host``, resolved once, all of which may be connected to.

    Raises:
        VideoForbidden: one of them is not public and not in ``networks``.
        VideoUnreadable: the name has no address.
        DeadlineExceeded: the resolver took too long.
    """
    addresses = _in_time(lambda: resolve(host, port), allowance)
    if isinstance(addresses, OSError) or not addresses:
        raise VideoUnreadable(f"{host} has no address that can be found", field="video.uri")
    for address in addresses:
        if not may_connect(address, networks):
            raise VideoForbidden(
                f"{host} has an address that is not public; this server connects to such only "
                "where they are listed (setting allowed_addresses)",
                field="video.uri",
            )
    return addresses


def may_connect(written: str, networks: Sequence[Network]) -> bool:
    """Whether an address is public, or in one of ``networks``. One with a zone never is."""
    try:
        address = _innermost(ip_address(written))
    except ValueError:
        return False
    if any(address in network for network in networks):
        return True
    return is_public(address)


def is_public(address: Address) -> bool:
    """Whether ``address`` is one of a single host that anybody may reach over the internet."""
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
        and not any(address in network for network in _NOT_PUBLIC)
    )


def _innermost(address: Address) -> Address:
    """The IPv4 address that a mapped or translated IPv6 address leads to; others as they are."""
    if isinstance(address, IPv4Address):
        return address
    if address.scope_id is not None:
        raise ValueError(f"{address} has a zone")
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _TRANSLATED:
        return IPv4Address(address.packed[-4:])
    return address


def _in_time(ask: Callable[[], list[str]], allowance: Allowance) -> list[str] | OSError:
    """Asks in a thread: a resolver cannot be told when to give up."""
    answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put(ask())
        except (OSError, UnicodeError) as error:
            answers.put(OSError(str(error)))

    threading.Thread(target=work, name="resolver", daemon=True).start()
    try:
        return answers.get(timeout=allowance.remaining())
    except queue.Empty:
        raise allowance.exceeded() from None
