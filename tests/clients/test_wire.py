"""The service that the clients call is the one in TorchServe's own jar."""

import importlib.util
import re
import zipfile
from pathlib import Path

import molmo2_client.wire
from molmo2_client.wire import inference_pb2

OURS = Path(molmo2_client.wire.__file__).with_name("inference.proto").read_text()


def _torchserves() -> str:
    package = Path(importlib.util.find_spec("ts").origin).parent
    with zipfile.ZipFile(package / "frontend" / "model-server.jar") as jar:
        return jar.read("proto/inference.proto").decode()


def _package(proto: str) -> str:
    return re.search(r"^package\s+([\w.]+);", proto, re.M)[1]


def _methods(proto: str) -> dict[str, tuple[str, ...]]:
    """Name to type of request and of response, streams marked."""
    found = re.findall(r"rpc\s+(\w+)\s*\(([^)]*)\)\s*returns\s*\(([^)]*)\)", proto)
    return {name: (request.strip(), response.strip()) for name, request, response in found}


def _fields(proto: str) -> dict[tuple[str, str], tuple[str, int]]:
    """Message and field to type and number."""
    fields = {}
    for message, body in re.findall(r"message\s+(\w+)\s*\{([^}]*)\}", proto):
        body = re.sub(r"//[^\n]*", "", body)
        for type_, name, number in re.findall(r"([\w.]+(?:<[^>]*>)?)\s+(\w+)\s*=\s*(\d+)", body):
            fields[message, name] = (re.sub(r"\s", "", type_), int(number))
    return fields


def test_every_method_and_field_of_ours_is_torchserves():
    theirs = _torchserves()
    assert _package(OURS) == _package(theirs)
    assert _methods(OURS)
    assert _methods(OURS).items() <= _methods(theirs).items()
    assert _fields(OURS)
    assert _fields(OURS).items() <= _fields(theirs).items()


def test_the_generated_stubs_are_of_our_definition():
    file = inference_pb2.DESCRIPTOR
    assert file.package == _package(OURS)
    methods = {
        method.name: (method.input_type.name, method.output_type.name)
        for method in file.services_by_name["InferenceAPIsService"].methods
    }
    assert methods == {
        name: (request, response.removeprefix("stream "))
        for name, (request, response) in _methods(OURS).items()
    }
    numbers = {
        (message.name, field.name): field.number
        for message in file.message_types_by_name.values()
        for field in message.fields
    }
    assert numbers == {key: number for key, (_, number) in _fields(OURS).items()}
