"""What the API servers of several Kubernetes versions, and of three operators, would accept."""

import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from cloudcoil.models.keda.v1alpha1 import ScaledObject
from cloudcoil.models.prometheus_operator.v1 import PodMonitor, PrometheusRule
from jsonschema import Draft202012Validator
from kserve_schema import inference_service
from pydantic import BaseModel
from referencing import Registry, Resource

OLDEST = (1, 30)

_SCHEMAS = files("kubernetes_validate") / "kubernetes-json-schema"

Schema = dict[str, Any]


class UnknownKind(Exception):
    """No schema says what such an object is."""


def kubernetes_versions() -> list[str]:
    """Those with a schema, from the oldest supported on."""
    names = (folder.name for folder in _SCHEMAS.iterdir() if folder.name.endswith("-local-strict"))
    versions = (name.removeprefix("v").split(".")[:2] for name in names)
    found = sorted((int(major), int(minor)) for major, minor in versions)
    return [f"{major}.{minor}" for major, minor in found if (major, minor) >= OLDEST]


def check(thing: dict[str, Any], version: str) -> None:
    """Raises:
    UnknownKind: nobody knows such objects.
    jsonschema.ValidationError: a field is unknown, of a wrong type, or missing.
    """
    group, kind = thing["apiVersion"], thing["kind"]
    if (group, kind) in _OPERATORS:
        validator = _of_operator(group, kind)
    else:
        validator = _of_kubernetes(group, kind, version)
    validator.validate(thing)


@cache
def _of_kubernetes(group: str, kind: str, version: str) -> Draft202012Validator:
    """From the file that is named after kind, group without its domain, and version."""
    folder = _SCHEMAS / f"v{version}.0-local-strict"
    name, _, number = group.rpartition("/")
    file = "-".join(filter(None, [kind.lower(), name.split(".")[0], number]))
    schema = folder / f"{file}.json"
    if not schema.is_file():
        raise UnknownKind(f"{group} {kind} in Kubernetes {version}")
    content = json.loads(schema.read_text())
    return Draft202012Validator(content, registry=_definitions(version))


@cache
def _definitions(version: str) -> Registry[Any]:
    text = (_SCHEMAS / f"v{version}.0-local-strict" / "_definitions.json").read_text()
    return Resource.from_contents(json.loads(text)) @ Registry()


@cache
def _of_operator(group: str, kind: str) -> Draft202012Validator:
    schema = _OPERATORS[group, kind]()
    return Draft202012Validator(schema)


def _scaled_object() -> Schema:
    """KEDA's of 2.16, the newest whose models Python 3.11 takes, with what 2.17 added to it."""
    schema = _closed(ScaledObject)
    behaviors = ("static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower")
    schema["$defs"]["Fallback"]["properties"]["behavior"] = {"enum": behaviors}
    return schema


def _closed(model: type[BaseModel]) -> Schema:
    """A model's schema, in which no object may have fields that it does not name."""
    # Go's patterns may turn case off after their beginning, Python's only there.
    schema = json.loads(
        json.dumps(model.model_json_schema(by_alias=True)).replace('"^(?i)', '"(?i)^')
    )
    for definition in [schema, *schema["$defs"].values()]:
        if "properties" in definition:
            definition.setdefault("additionalProperties", False)
    return schema


_OPERATORS: dict[tuple[str, str], Callable[[], Schema]] = {
    ("keda.sh/v1alpha1", "ScaledObject"): _scaled_object,
    ("monitoring.coreos.com/v1", "PodMonitor"): lambda: _closed(PodMonitor),
    ("monitoring.coreos.com/v1", "PrometheusRule"): lambda: _closed(PrometheusRule),
    ("serving.kserve.io/v1beta1", "InferenceService"): inference_service,
}
