"""The model's settings as a form of the FiftyOne App."""

from typing import Any

import fiftyone.operators.types as types

from molmo2_client.fiftyone.questions import PROMPTED
from molmo2_client.fiftyone.zoo.asking import OPERATIONS
from molmo2_contract.limits import MAX_NEW_TOKENS


def resolve_input(model_name: str, ctx: Any) -> types.Property:
    """Inputs for the keywords of ``load_zoo_model``; a prompt where the operation takes one."""
    inputs = types.Object()
    inputs.enum("operation", OPERATIONS, required=True, default="pointing", label="Operation")
    if ctx.params.get("operation", "pointing") in PROMPTED:
        inputs.str("prompt", required=True, label="Prompt")
    inputs.str("url", label="Server", description="http://… or grpc://…; default MOLMO2_URL")
    inputs.str("model", label="Model", description="The archive's name on the server")
    inputs.int("max_new_tokens", min=1, max=MAX_NEW_TOKENS, label="Tokens of an answer")
    inputs.int("concurrency", min=1, label="Requests at once")
    return types.Property(inputs)
