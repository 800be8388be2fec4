"""Every panel of the Grafana dashboard shows what happens, by a real Prometheus."""

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus import Prometheus, draw, panels, scraping
from watched import SLOW, engine, heals, is_ready, streamed_into_a_unary_call, until

from molmo2_client import Molmo2Error
from molmo2_demo.generate import generate

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="apt-get install -y prometheus"),
]

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "ops" / "grafana" / "molmo2.json"
ON_A_GPU_ONLY = {"Device memory"}
WORKERS, PLACES = 2, 8
STANDING = {
    "max by (instance) (molmo2_draining)": 0,
    "min by (instance) (molmo2_admitting)": 1,
    "sum by (model) (molmo2_request_slots)": WORKERS,
    "sum(molmo2_engine_max_sequences)": PLACES,
    "sum by (task) (molmo2_watch_failures_total)": 0,
}
"""What is the same all the time, and what it is; everything else has to move."""
READY = "min by (instance) (molmo2_ready)"
"""The killed engine is away for less than a look may miss."""
EMBED = [{"operation": "embed"}]


def test_every_panel_shows_what_happens(stage_a_server, tmp_path):
    with stage_a_server(
        {"watched": True},
        minWorkers=WORKERS,
        maxWorkers=WORKERS,
        jobQueueSize=8,
        engine={"max_sequences": PLACES},
    ) as stage:
        until(lambda: is_ready(stage.server), 120, "readiness")
        target = f"127.0.0.1:{stage.server.options.ports.health}"
        videos = [video.path for video in generate(stage.videos, 2, seed=5)]
        wrong = tmp_path / "key_file.json"
        wrong.write_text('{"inference": {"key": "wrong"}}')

        def ask(number: int) -> None:
            with stage.client(("http", "grpc")[number % 2], media="path") as client:
                client.ask(videos[number % 2], SLOW)
                with pytest.raises(Molmo2Error):
                    client.ask(videos[0].with_name("absent.mp4"), EMBED)
            with (
                stage.client("http", media="path", key_file=wrong, retries=0) as client,
                pytest.raises(Molmo2Error),
            ):
                client.ask(videos[0], EMBED)

        with scraping(target, tmp_path) as prometheus, ThreadPoolExecutor(6) as pool:
            began = time.time()
            time.sleep(3)
            list(pool.map(ask, range(6)))
            streamed_into_a_unary_call(stage.server, videos[0].as_uri())
            until(lambda: heals(stage.server, "worker_lost") == 1, 60, "a heal")
            engine(stage.server).kill()
            ask(0)
            time.sleep(3)
            still = set(still_or_empty(prometheus, began))
            picture = ROOT / "run" / "pictures" / "dashboard.png"
            draw(prometheus, DASHBOARD, began, time.time(), picture)
    assert {title for title, _ in still} <= ON_A_GPU_ONLY, still


def still_or_empty(prometheus: Prometheus, began: float) -> Iterator[tuple[str, str]]:
    """The panels and expressions that show nothing, or not what they must."""
    for title, expressions in panels(DASHBOARD).items():
        for expression in expressions:
            series = prometheus.over(expression, began, time.time())
            shown = [{value for _, value in each["values"]} for each in series]
            if expression in STANDING:
                right = {float(value) for each in shown for value in each}
                if right != {STANDING[expression]}:
                    yield title, expression
            elif expression == READY:
                if not any("1" in each for each in shown):
                    yield title, expression
            elif not any(len(each) > 1 for each in shown):
                yield title, expression
