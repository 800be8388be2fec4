"""A real Prometheus that scrapes one address, and pictures of what it knows."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_server

import httpx2
import matplotlib.pyplot as plt
from watched import until

_CONFIGURATION = """
global: {scrape_interval: 1s}
scrape_configs: [{job_name: molmo2, static_configs: [{targets: ["TARGET"]}]}]
"""


class Prometheus:
    """Answers PromQL."""

    def __init__(self, url: str) -> None:
        self._url = url

    def is_ready(self) -> bool:
        try:
            return httpx2.get(f"{self._url}/-/ready", timeout=5).is_success
        except httpx2.TransportError:
            return False

    def ask(self, expression: str) -> list[dict]:
        """The series of an expression at this moment."""
        return self._query("query", query=expression)

    def over(self, expression: str, start: float, end: float) -> list[dict]:
        """The series of an expression, a value a second."""
        return self._query("query_range", query=expression, start=start, end=end, step=1)

    def _query(self, kind: str, **parameters: object) -> list[dict]:
        answer = httpx2.get(f"{self._url}/api/v1/{kind}", params=parameters, timeout=30).json()
        assert answer["status"] == "success", answer
        return answer["data"]["result"]


@contextmanager
def scraping(target: str, folder: Path) -> Iterator[Prometheus]:
    with create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    configuration = folder / "prometheus.yml"
    configuration.write_text(_CONFIGURATION.replace("TARGET", target))
    command = ["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={folder}/data"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"--web.listen-address={address}"], stdout=log, stderr=log
        )
    try:
        prometheus = Prometheus(f"http://{address}")
        until(prometheus.is_ready, 60, "prometheus")
        yield prometheus
    finally:
        process.terminate()
        process.wait(30)


def panels(dashboard: Path) -> dict[str, list[str]]:
    """The expressions of each panel, by its title, with Grafana's interval as 10 s."""
    document = json.loads(dashboard.read_text())
    return {
        panel["title"]: [
            target["expr"].replace("$__rate_interval", "10s") for target in panel["targets"]
        ]
        for panel in document["panels"]
    }


def draw(prometheus: Prometheus, dashboard: Path, start: float, end: float, picture: Path) -> None:
    """Draws every panel as Grafana would, one line a series."""
    asked = panels(dashboard)
    figure, axes = plt.subplots(-(-len(asked) // 3), 3, figsize=(18, 3 * (-(-len(asked) // 3))))
    for axis, (title, expressions) in zip(axes.flat, asked.items(), strict=False):
        for number, expression in enumerate(expressions):
            for series in prometheus.over(expression, start, end):
                at, values = zip(*series["values"], strict=True)
                told = [v for k, v in series["metric"].items() if k != "__name__"]
                label = " ".join(told) or expression[:30] if len(expressions) == 1 else str(number)
                axis.plot([t - start for t in at], [float(v) for v in values], label=label)
        if axis.lines:
            axis.legend(fontsize=6)
        axis.set_title(title, fontsize=9)
        axis.set_ylim(bottom=0)
    figure.tight_layout()
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture)
    plt.close(figure)
