"""``https:``: the certificate is that of the name, although the connection is to an address."""

import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from molmo2_contract.errors import Molmo2Error, VideoForbidden, VideoUnreadable
from molmo2_contract.video import Video
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.source import open_source


@pytest.fixture
def secure_web(web, tmp_path: Path, monkeypatch):
    """``web`` behind TLS, with a certificate for ``videos.example`` that is trusted here."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=videos.example"),
            *("-addext", "subjectAltName=DNS:videos.example"),
            *("-out", str(certificate), "-keyout", str(key)),
        ],
        check=True,
        capture_output=True,
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    web.encrypt(context)
    web.put("/a.mp4", b"content")
    return web


@pytest.fixture
def fetch(secure_web) -> Callable[[str], bytes]:
    limits = VideoLimits(
        allowed_hosts=("videos.example", "other.example"),
        allowed_ports=(secure_web.port,),
        allowed_addresses=(f"{secure_web.host}/32",),
    )

    def fetch(host: str, path: str = "/a.mp4") -> bytes:
        uri = f"https://{host}:{secure_web.port}{path}"
        resolve = lambda host, port: [secure_web.host]  # noqa: E731
        with open_source(Video(uri=uri), None, limits, None, resolve).file as file:
            return file.read()

    return fetch


def test_a_name_with_its_certificate_is_fetched_from(fetch) -> None:
    assert fetch("videos.example") == b"content"


def test_another_name_at_the_same_address_is_not(fetch, secure_web) -> None:
    with pytest.raises(VideoUnreadable, match="certificate verify failed"):
        fetch("other.example")
    assert secure_web.requests == []


def test_a_certificate_that_nobody_trusts_is_refused(fetch, secure_web, monkeypatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(VideoUnreadable, match="certificate verify failed"):
        fetch("videos.example")
    assert secure_web.requests == []


def test_a_redirect_may_not_drop_the_encryption(fetch, secure_web) -> None:
    secure_web.redirect("/plain", f"http://videos.example:{secure_web.port}/a.mp4")
    with pytest.raises(Molmo2Error) as caught:
        fetch("videos.example", "/plain")
    assert isinstance(caught.value, VideoForbidden)
    assert "from https: to http:" in caught.value.message
    assert secure_web.paths == ["/plain"]
