"""Whether a model still loads, by TorchServe's own word."""

import json
from pathlib import Path

import httpx2

_SECONDS = 5.0


def is_loading(management: str, key_file: Path | None, model: str) -> bool:
    """Whether no worker has loaded it yet, or TorchServe itself still starts.

    A request that comes before waits in TorchServe's queue, in callers' places, also when whoever
    sent it has left. False where the management address refuses to say.
    """
    try:
        headers = {} if key_file is None else {"Authorization": f"Bearer {_key(key_file)}"}
        url = f"{management}/models/{model}"
        answer = httpx2.get(url, headers=headers, timeout=_SECONDS, trust_env=False)
        workers = answer.raise_for_status().json()[0]["workers"]
        return not any(worker["status"] == "READY" for worker in workers)
    except httpx2.TransportError:
        return True
    except (OSError, httpx2.HTTPStatusError, ValueError, LookupError, TypeError):
        return False


def _key(key_file: Path) -> str:
    return str(json.loads(key_file.read_bytes())["management"]["key"])
