from ipaddress import IPv4Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmo2_handler.video.sources.network_address import may_connect, system_resolver


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001::200e"]
)
def test_public_addresses_may_be_connected_to(address: str) -> None:
    assert may_connect(address, ())


@given(st.ip_addresses(v=4))
def test_an_address_within_ipv6_is_judged_as_itself(address: IPv4Address) -> None:
    for prefix in ("::ffff:", "64:ff9b::"):
        assert may_connect(f"{prefix}{address}", ()) == may_connect(str(address), ())


@given(st.ip_addresses(v=4))
def test_what_is_not_global_is_never_public(address: IPv4Address) -> None:
    assert not may_connect(str(address), ()) or address.is_global


def test_listed_networks_may_be_connected_to_and_only_they() -> None:
    networks = (ip_network("10.1.0.0/16"), ip_network("fd00::/64"))
    assert may_connect("10.1.2.3", networks)
    assert may_connect("::ffff:10.1.2.3", networks)
    assert may_connect("fd00::1", networks)
    assert not may_connect("10.2.0.1", networks)
    assert not may_connect("fd00:0:0:1::1", networks)
    assert not may_connect("fd00::1%eth0", networks)


def test_this_machine_resolves_its_own_name() -> None:
    assert {"127.0.0.1", "::1"} & set(system_resolver("localhost", 80))
