"""Hosts as they may be written: one spelling for each, so that they can be compared."""

import ipaddress
import re

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_MAX_NAME = 253


def canonical_host(written: str) -> str:
    """``written`` as a lower-case name, a dotted IPv4 address or a bare IPv6 address.

    What resolvers read as an address although it does not look like one (``2130706433``,
    ``0x7f.1``, ``127.1``, ``0177.0.0.1``) is refused, and so are the zones of IPv6.

    Args:
        written: as in a URI: IPv6 addresses in brackets, names in ASCII.

    Raises:
        ValueError: it is neither; the message says what to write.
    """
    if written.startswith("[") and written.endswith("]"):
        return _ipv6(written)
    host = written.lower()
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(written)
    if len(host) > _MAX_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError(
            f"'{written}' is not a host: write a name in ASCII (xn--… for others) without a dot at "
            "its end, an IPv4 address, or an IPv6 address in brackets"
        )
    return host


def _ipv4(written: str) -> str:
    try:
        return str(ipaddress.IPv4Address(written))
    except ValueError:
        raise ValueError(
            f"'{written}' is not an address: write IPv4 as four decimal numbers"
        ) from None


def _ipv6(written: str) -> str:
    try:
        address = ipaddress.IPv6Address(written[1:-1])
    except ValueError:
        address = None
    if address is None or address.scope_id is not None:
        raise ValueError(f"'{written}' is not an IPv6 address, or has a zone")
    return str(address)
