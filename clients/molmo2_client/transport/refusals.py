"""TorchServe's own refusals, which no handler saw: the same sentences over HTTP and gRPC.

Their statuses do not tell them apart (a full queue is 503 over HTTP and INTERNAL over gRPC, and so
is a model that does not exist over gRPC), so the sentences of TorchServe 0.12 do.
"""

from molmo2_client.errors import (
    InternalError,
    InvalidRequest,
    Molmo2Error,
    Overloaded,
    TooLarge,
    Unauthorized,
    WorkerDied,
)

_NO_MODEL = (
    "Model not found",
    "ModelNotFoundException",
    "ModelVersionNotFoundException",
    "does not exist for model",
)


def from_sentence(text: str, model: str) -> Molmo2Error | None:
    """The error that TorchServe's message stands for; None for a message that is not known."""
    if "Token Authorization failed" in text:
        return unauthorized()
    if "has no worker to serve inference request" in text:
        return overloaded(model)
    if any(said in text for said in _NO_MODEL):
        return InvalidRequest(
            f"model: the server has no model {model!r}; give the name that its archive was"
            " registered with (model=, MOLMO2_MODEL), and a version only if it has that one",
            field="model",
        )
    if "Worker died" in text:
        return worker_died()
    if "Prediction failed" in text:
        return InternalError("the server's handler failed; its log says why")
    return None


def unauthorized() -> Unauthorized:
    return Unauthorized(
        "the token is missing, wrong or expired; TorchServe writes its tokens to key_file.json in"
        " the folder it is started in, new ones at every start: give the file (key_file=,"
        " MOLMO2_KEY_FILE) or its inference key (token=, MOLMO2_TOKEN)"
    )


def overloaded(model: str) -> Overloaded:
    return Overloaded(
        f"all workers of {model!r} are busy and its queue is full; ask again later, or raise"
        " jobQueueSize or minWorkers in the server's model-config.yaml"
    )


def too_large() -> TooLarge:
    return TooLarge(
        "the server refused the size of the request; send the path of a file that it can read"
        " (media='path'), or raise max_request_size in its config.properties"
    )


def worker_died() -> WorkerDied:
    return WorkerDied(
        "the server's worker ended while it was at this request, killed or crashed; a new one is"
        " being started (the server's log says more)"
    )
