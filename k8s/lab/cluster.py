"""Everything at once: real controllers scale real servers for real callers."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab.api_server import ApiServer
from lab.callers import Callers, callers
from lab.control_plane import control_plane, controllers
from lab.deployed import (
    LOOK_SECONDS,
    NAMESPACE,
    TOKEN,
    apply,
    objects,
    rule_groups,
    scrape_seconds,
)
from lab.kubelet import Kubelet, kubelet
from lab.manifests import K8S
from lab.metrics_adapter import Adapter, metrics_adapter
from lab.prometheus import prometheus
from lab.replicas import Replicas, replicas
from lab.service import service
from lab.slow_videos import slow_videos
from molmo2_demo.generate import generate

SECONDS_IN_A_SLOT = (12.0, 18.0)
"""Of a request, by chance: longer than a pod goes on before SIGTERM, so that some outlast it."""

DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/molmo2"


@dataclass(frozen=True)
class Cluster:
    """One that runs, and everything that can be told of it."""

    api: ApiServer
    kubelet: Kubelet
    adapter: Adapter
    replicas: Replicas
    callers: Callers


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """With one pod of our Deployment under our autoscaler, and nobody who calls it."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    videos = [video.path for video in generate(folder / "videos", 4, seed=5)]
    with ExitStack() as running:
        plane = running.enter_context(control_plane(folder))
        api = plane.api
        videos_port = running.enter_context(slow_videos(videos, *SECONDS_IN_A_SLOT))
        found = objects(videos_port)
        apply(api, found)
        node = running.enter_context(kubelet(api, NAMESPACE, folder / "pods"))
        metrics = running.enter_context(
            prometheus(folder, node, rule_groups(found), scrape_seconds(found))
        )
        adapter = running.enter_context(metrics_adapter(api, metrics, folder))
        running.enter_context(controllers(plane, LOOK_SECONDS))
        watched = running.enter_context(replicas(api, NAMESPACE, "molmo2"))
        url = running.enter_context(service(api, NAMESPACE, "molmo2"))
        asking = running.enter_context(callers(url, TOKEN, patience_of_the_job(), videos_port))
        yield Cluster(api, node, adapter, watched, asking)


def patience_of_the_job() -> float:
    """Seconds, as our example of a labelling Job tells the client."""
    job = yaml.safe_load((K8S / "examples" / "label-job.yaml").read_text())
    (container,) = job["spec"]["template"]["spec"]["containers"]
    (seconds,) = (one["value"] for one in container["env"] if one["name"] == "MOLMO2_RETRY_FOR")
    return float(seconds)
