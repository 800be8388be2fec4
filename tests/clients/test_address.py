import pytest

from molmo2_client import InvalidRequest, Molmo2
from molmo2_client.address import Address


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://example.org/molmo2/", "http://example.org:80/molmo2"),
        ("https://example.org", "https://example.org:443"),
        ("grpc://[::1]", "grpc://[::1]:7070"),
        ("grpcs://example.org", "grpcs://example.org:443"),
    ],
)
def test_a_url_is_taken_apart_and_its_port_filled_in(url, written):
    assert str(Address.parse(url)) == written


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("127.0.0.1:8080", "scheme must be one of http, https, grpc, grpcs"),
        ("ftp://127.0.0.1", "scheme must be one of"),
        ("http://", "names no host"),
        ("http://a:99999", "(?i)port"),
        ("grpc://a:7070/molmo2", "remove '/molmo2'"),
    ],
)
def test_what_is_no_servers_address_is_refused_with_its_fault(url, fault):
    with pytest.raises(InvalidRequest, match=fault) as raised:
        Molmo2(url=url)
    assert raised.value.field == "url"


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("[::1]", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("localhost.example.org", False),
    ],
)
def test_which_hosts_are_this_machine(host, is_loopback):
    assert Address.parse(f"grpc://{host}").is_loopback is is_loopback
