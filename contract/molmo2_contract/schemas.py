"""Writes the JSON Schemas of the wire into a folder: ``python -m molmo2_contract.schemas FOLDER``.

``contract/schemas/`` holds what this wrote last; a test fails when it no longer does.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from molmo2_contract.events import Event
from molmo2_contract.images import ImagesRequest, ImagesResponse
from molmo2_contract.request import InfoRequest, Request
from molmo2_contract.response import ErrorResponse, Response, ServerInfo

_WIRE: dict[str, Any] = {
    "request": Request,
    "images_request": ImagesRequest,
    "info_request": InfoRequest,
    "response": Response,
    "images_response": ImagesResponse,
    "error_response": ErrorResponse,
    "server_info": ServerInfo,
    "event": Event,
}


def render() -> dict[str, str]:
    """File name to the text of its schema (JSON Schema 2020-12)."""
    return {f"{name}.schema.json": _render(model) for name, model in _WIRE.items()}


def _render(model: Any) -> str:
    incoming = model in (Request, ImagesRequest, InfoRequest)
    schema = TypeAdapter(model).json_schema(mode="validation" if incoming else "serialization")
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(schema, indent=2) + "\n"


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in render().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
