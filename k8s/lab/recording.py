"""What a run of the lab leaves: a model of the autoscaler is held against it (bench/fleet)."""

from itertools import pairwise
from typing import Any

from lab.cluster import Cluster
from lab.deployed import FASTER, objects, target
from lab.manifests import the
from lab.story import Step

Object = dict[str, Any]


def recording(cluster: Cluster, steps: list[Step], until: float) -> Object:
    """Decisions up to a time, all else to the end; seconds from the first step of the load."""
    began = steps[0].at

    def since(at: float) -> float:
        return round(at - began, 2)

    autoscaler = the(objects(0), "HorizontalPodAutoscaler")["spec"]
    wanted = [change for change in cluster.replicas.wanted if change[0] < until]
    looks = [look for look in cluster.adapter.looks if look.at < until]
    requests = sorted(cluster.callers.requests, key=lambda one: one.began)
    return {
        "kubernetes": ".".join(map(str, cluster.api.version)),
        "faster": FASTER,
        "behavior": autoscaler["behavior"],
        "minReplicas": autoscaler["minReplicas"],
        "maxReplicas": autoscaler["maxReplicas"],
        "target": target(objects(0)),
        "callers": [[since(step.at), step.callers] for step in steps],
        "fell": since(steps[-1].began),
        "replicas": [[since(at), before, after] for (_, before), (at, after) in pairwise(wanted)],
        "ready": [[since(at), number] for at, number in cluster.replicas.ready],
        "looks": [
            {"at": since(look.at), "values": [*look.values.values()], "pods": look.pods}
            for look in looks
        ],
        "pods": [[since(one.at), one.pod, one.event] for one in cluster.kubelet.events],
        "drained": cluster.kubelet.drained,
        "requests": [
            [since(one.began), since(one.ended), one.error, one.tried_again] for one in requests
        ],
    }
