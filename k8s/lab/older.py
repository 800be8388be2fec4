"""Our objects as an older Kubernetes knows them.

The manifests are for 1.30 and newer. What an older server does not know is said in its own words
where it has some, else goes along as an annotation, so that a kubelet of the lab can act on it.
"""

import copy
from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]

SIDECARS = "molmo2.lab/sidecars"
"""Annotation of a pod: containers that start before the others and end after them."""
SLEEP = "molmo2.lab/pre-stop-seconds"
"""Annotation of a pod: how long its server goes on before SIGTERM."""

_GROUPS = {
    ("policy/v1", "PodDisruptionBudget"): ((1, 21), "policy/v1beta1"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"): ((1, 23), "autoscaling/v2beta2"),
}
"""Since when a kind has its name, and what it was called before with the same fields."""


def as_of(version: tuple[int, int], thing: Object) -> tuple[Object, list[str]]:
    """The object for a server of that version, and what had to be said otherwise."""
    thing = copy.deepcopy(thing)
    return thing, list(_changes(version, thing))


def _changes(version: tuple[int, int], thing: Object) -> Iterator[str]:
    since, before = _GROUPS.get((thing["apiVersion"], thing["kind"]), ((0, 0), ""))
    if version < since:
        yield f"{thing['apiVersion']} is {before}"
        thing["apiVersion"] = before
    if version < (1, 26) and thing.get("spec", {}).pop("unhealthyPodEvictionPolicy", None):
        yield "no unhealthyPodEvictionPolicy"
    template = thing.get("spec", {}).get("template", {})
    if "containers" in template.get("spec", {}):
        yield from _changes_of_pods(version, template)


def _changes_of_pods(version: tuple[int, int], template: Object) -> Iterator[str]:
    notes: dict[str, str] = {}
    spec = template["spec"]
    if version < (1, 29) and (
        sidecars := [
            one for one in spec.get("initContainers", ()) if one.pop("restartPolicy", None)
        ]
    ):
        yield "sidecars are containers"
        spec["initContainers"] = [one for one in spec["initContainers"] if one not in sidecars]
        spec["containers"] += sidecars
        notes[SIDECARS] = ",".join(one["name"] for one in sidecars)
    for container in spec["containers"]:
        hook = container.get("lifecycle", {}).get("preStop", {})
        if version < (1, 29) and "sleep" in hook:
            yield "no preStop.sleep"
            notes[SLEEP] = str(hook["sleep"]["seconds"])
            del container["lifecycle"]["preStop"]
    if notes:
        template["metadata"]["annotations"] = template["metadata"].get("annotations", {}) | notes
