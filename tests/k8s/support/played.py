"""An overlay as `podman kube play` takes it.

podman 4.3, which Debian 12 has, differs from a kubelet in what is changed here, and in that it
probes nothing where there is no systemd, which is left as it is.
"""

import re
from pathlib import Path

import yaml
from lab.older import as_of
from podman import image
from rendering import Object, containers, rendered

BEFORE_SIDECARS = (1, 28)
VOLUMES = "molmo2-played"
"""What the names of its volumes begin with: they are the machine's, not the pod's."""


def played(overlay: str, token: str, ports: dict[str, int], path: Path) -> Path:
    """Writes its Deployment, with its configuration and its token; ``ports`` are where the
    gateway's are on loopback, by their names."""
    found = [as_of(BEFORE_SIDECARS, thing)[0] for thing in rendered(overlay)]
    (deployment,) = (thing for thing in found if thing["kind"] == "Deployment")
    configuration = [thing for thing in found if thing["kind"] == "ConfigMap"]
    _adapt(deployment["spec"]["template"]["spec"], ports)
    _fill_in(deployment["spec"]["template"]["spec"], configuration)
    path.write_text(yaml.safe_dump_all([*configuration, _tokens(token), deployment]))
    return path


def _adapt(spec: Object, ports: dict[str, int]) -> None:
    # With Always, containers that only prepare the pod would be started again for ever.
    spec["restartPolicy"] = "OnFailure"
    for volume in spec["volumes"]:
        if secret := volume.pop("secret", None):
            # Of a Secret it would mount the text in base64.
            volume["configMap"] = {"name": secret["secretName"]}
    shared = {volume["name"] for volume in spec["volumes"] if "emptyDir" in volume}
    for named in [*spec["volumes"], *(m for one in containers(spec) for m in one["volumeMounts"])]:
        if named["name"] in shared:
            named["name"] = f"{VOLUMES}-{named['name']}"
    for one in containers(spec):
        one["image"] = image(one["image"])
        # It opens each port that is named, to everybody.
        for port in one.pop("ports", ()):
            if one["name"] == "gateway":
                here = {"hostPort": ports[port["name"]], "hostIP": "127.0.0.1"}
                one.setdefault("ports", []).append({**port, **here})


def _fill_in(spec: Object, configuration: list[Object]) -> None:
    """Variables in arguments: it leaves them as they are written."""
    held = {one["metadata"]["name"]: one["data"] for one in configuration}
    for one in containers(spec):
        sources = [source.get("configMapRef") for source in one.get("envFrom", ())]
        known: dict[str, str] = {}
        for source in filter(None, sources):
            known |= held[source["name"]]
        one["args"] = [
            re.sub(r"\$\((\w+)\)", lambda found, known=known: known[found[1]], argument)
            for argument in one.get("args", ())
        ]


def _tokens(token: str) -> Object:
    data = {"tokens.conf": f'"Bearer {token}" labelling;\n'}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "molmo2-tokens"},
        "data": data,
    }
