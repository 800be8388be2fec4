"""Every panel of the Grafana dashboard has something to show, by a real Prometheus."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus import draw, panels, scraping
from watched import SLOW, engine, is_ready, until

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


def test_every_panel_has_something_to_show(stage_a_server, tmp_path):
    with stage_a_server({"watched": True}, minWorkers=2, maxWorkers=2) as stage:
        until(lambda: is_ready(stage.server), 120, "readiness")
        target = f"127.0.0.1:{stage.server.options.ports.health}"
        videos = [video.path for video in generate(stage.videos, 2, seed=5)]

        def ask(number: int) -> None:
            with stage.client(("http", "grpc")[number % 2], media="path") as client:
                client.ask(videos[number % 2], SLOW)
                with pytest.raises(Molmo2Error):
                    client.ask(videos[0].with_name("absent.mp4"), [{"operation": "embed"}])

        with scraping(target, tmp_path) as prometheus, ThreadPoolExecutor(6) as pool:
            began = time.time()
            time.sleep(3)
            list(pool.map(ask, range(6)))
            empty = {
                title
                for title, expressions in panels(DASHBOARD).items()
                for expression in expressions
                if not prometheus.ask(expression)
            }
            engine(stage.server).kill()
            ask(0)
            time.sleep(3)
            picture = ROOT / "run" / "pictures" / "dashboard.png"
            draw(prometheus, DASHBOARD, began, time.time(), picture)
    assert empty <= ON_A_GPU_ONLY
