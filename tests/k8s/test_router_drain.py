"""A router that is told to end first answers what it is at: a real Envoy, its own preStop hook."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Timer

import httpx2
import pytest
from live_router import ADMIN, configuration, live_router
from rendering import pods
from told import told_server

SECONDS_TO_END = 5
"""For Envoy, once it is told."""
SECONDS_OF_A_CALL = 2
"""That it still takes when the router is told to end."""


def router(overlay):
    """The specification of its pods."""
    (spec,) = (spec for labels, spec in pods(overlay) if "router" in str(labels.values()))
    return spec


def hook(overlay):
    (container,) = router(overlay)["containers"]
    return container["lifecycle"]["preStop"]["exec"]["command"]


def until(told):
    end = time.monotonic() + 20
    while not told():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("overlay", ["affinity", "affinity-tls"])
def test_the_grace_period_is_the_hooks_wait_the_longest_call_and_the_end(overlay):
    seconds = int(hook(overlay)[-1])
    (routes,) = configuration(overlay, "routes.yaml")
    longest = {
        int(route["route"]["timeout"].removesuffix("s"))
        for route in routes["virtual_hosts"][0]["routes"]
    }
    grace = router(overlay)["terminationGracePeriodSeconds"]
    assert {grace} == {seconds + one + SECONDS_TO_END for one in longest}


def test_a_call_across_the_end_of_its_router_is_answered(tmp_path):
    may_answer, drained = Event(), tmp_path / "drained.log"
    with told_server(may_answer) as pod, ThreadPoolExecutor(2) as callers:
        with live_router("affinity", tmp_path, {"molmo2": [pod], "molmo2-grpc": [pod]}) as port:
            admin = f"http://{(tmp_path / ADMIN).read_text().strip()}"

            def call():
                url = f"http://127.0.0.1:{port}/predictions/molmo2-4b"
                return httpx2.post(url, content=b"{}", timeout=60, trust_env=False)

            def told(path):
                return httpx2.get(admin + path, trust_env=False).text

            first = callers.submit(call)
            until(lambda: "rq_active: 1" in told("/stats?filter=http.calls.downstream_rq_active"))
            command = [part.replace("/etc/envoy", str(tmp_path)) for part in hook("affinity")]
            with drained.open("wb") as log:
                waiting = subprocess.Popen([*command[:-1], "0"], stdout=log, stderr=log)
            until(lambda: '"DRAINING"' in told("/server_info"))
            late = callers.submit(call)  # of who has not heard yet
            Timer(SECONDS_OF_A_CALL, may_answer.set).start()
            assert waiting.wait(60) == 0, drained.read_text()
        for answer in (first.result(), late.result()):
            assert answer.status_code == 200
            assert answer.headers["connection"] == "close"
