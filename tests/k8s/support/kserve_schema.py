"""The schema of KServe's InferenceService, from the models of KServe's own client.

They are read and not imported: the client wants its own versions of half of what is installed here.
"""

import ast
import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

_MODELS = Path(__file__).parents[3] / "build" / "kserve" / "kserve" / "models"
_PLAIN = {"str": "string", "int": "integer", "bool": "boolean", "float": "number"}
_QUANTITY = {"type": ["string", "number"]}

Schema = dict[str, Any]


@cache
def inference_service() -> Schema:
    """With Kubernetes' own newest definitions of what is in its pods."""
    assert _MODELS.is_dir(), f"{_MODELS} is missing: run `make build/kserve`"
    core = _kubernetes_definitions()
    definitions = dict(core)
    for file in _MODELS.glob("v1beta1_*.py"):
        definitions |= _schemas(ast.parse(file.read_text()), core)
    return {"$ref": "#/$defs/V1beta1InferenceService", "$defs": definitions}


def _kubernetes_definitions() -> dict[str, Schema]:
    schemas = files("kubernetes_validate") / "kubernetes-json-schema"
    newest = max(
        (folder for folder in schemas.iterdir() if folder.name.endswith("-local-strict")),
        key=lambda folder: int(folder.name.split(".")[1]),
    )
    return json.loads((newest / "_definitions.json").read_text())["$defs"]


def _schemas(tree: ast.Module, core: dict[str, Schema]) -> dict[str, Schema]:
    """Every model of a module by its class's name, with its fields by their names in JSON."""
    found = {}
    for model in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        tables = {
            node.targets[0].id: ast.literal_eval(node.value)
            for node in model.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        fields = {
            tables["attribute_map"][attribute]: _schema(kind, core)
            for attribute, kind in tables["openapi_types"].items()
        }
        found[model.name] = {
            "type": "object",
            "properties": fields,
            "additionalProperties": False,
        }
    return found


def _schema(kind: str, core: dict[str, Schema]) -> Schema:
    """Of one field's type, in the notation of OpenAPI's generator."""
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if kind.endswith("Quantity"):
        return _QUANTITY
    if listed := re.fullmatch(r"list\[(.+)\]", kind):
        return {"type": "array", "items": _schema(listed[1], core)}
    if mapped := re.fullmatch(r"dict\(str, (.+)\)", kind):
        return {"type": "object", "additionalProperties": _schema(mapped[1], core)}
    if kind.startswith("V1beta1"):
        return {"$ref": f"#/$defs/{kind}"}
    # K8sIoApiAppsV1DeploymentStrategy is io.k8s.api.apps.v1.DeploymentStrategy.
    if kind.startswith("K8sIo"):
        spelt = kind.replace("K8sIo", "iok8s").lower()
        full = next(known for known in core if known.replace(".", "").lower() == spelt)
        return {"$ref": f"#/$defs/{full}"}
    # V1Container is io.k8s.api.core.v1.Container, V1ObjectMeta is in another package.
    name = kind.removeprefix("V1")
    full = next((known for known in core if known.endswith(f".v1.{name}")), kind)
    return {"$ref": f"#/$defs/{full}"}
