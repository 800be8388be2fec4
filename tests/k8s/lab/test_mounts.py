"""What a container is told of files and ports is put into this machine's words."""

from pathlib import Path

import pytest
from lab.mounts import View

VIEW = View(
    {
        "/etc/molmo2": Path("/a/etc"),
        "/etc/molmo2/tokens": Path("/a/secret"),
        "/tmp": Path("/a/tmp"),
    },
    {8080: 41080, 7070: 41070},
    "127.0.1.9",
)


@pytest.mark.parametrize(
    ("told", "here"),
    [
        ("--properties=/etc/molmo2/config.properties", "--properties=/a/etc/config.properties"),
        ("include /etc/molmo2/tokens/*.conf;", "include /a/secret/*.conf;"),
        ('folder="/tmp"; cp -r /tmp/. "$folder"', 'folder="/a/tmp"; cp -r /a/tmp/. "$folder"'),
        ("proxy_pass http://127.0.0.1:8080;", "proxy_pass http://127.0.0.1:41080;"),
        ("listen 8090 ssl;", "listen 127.0.1.9:8090 ssl;"),
        ("0.0.0.0", "127.0.1.9"),
    ],
)
def test_its_own_places_are_replaced(told, here):
    assert VIEW.of(told) == here


@pytest.mark.parametrize(
    "told",
    ["/tmpfs", "/etc/molmo2-other", "/var/tmp", "http://127.0.0.1:9999", "10.0.0.0/8", "relisten"],
)
def test_what_only_looks_alike_stays(told):
    assert VIEW.of(told) == told
