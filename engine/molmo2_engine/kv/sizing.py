"""How many KV pages an engine has."""

from collections import Counter

from molmo2_engine.devices import usable_memory
from molmo2_engine.kv.cache import bytes_per_token
from molmo2_engine.model.checkpoint import Checkpoint
from molmo2_engine.settings import EngineSettings

_CPU_TOKENS = 65536


class CacheTooSmall(Exception):
    """The KV cache could not hold even one request of the longest allowed."""


def count_pages(
    settings: EngineSettings, checkpoint: Checkpoint, context: int, activations: int = 0
) -> int:
    """Pages for ``cache_tokens``, or for the memory that is left.

    Args:
        context: the most tokens of one sequence.
        activations: bytes to leave for the largest forward pass.

    Raises:
        CacheTooSmall: saying what to change.
    """
    tokens = settings.cache_tokens or _tokens_in_memory(settings, checkpoint, activations)
    pages = tokens // settings.page_tokens
    # One more: the last page of a prefix that is not full is copied for the sequence.
    needed = -(-context // settings.page_tokens) + 1
    if pages < needed:
        raise CacheTooSmall(
            f"the KV cache has room for {tokens} tokens, one sequence of {context} tokens "
            f"(max_context_tokens) needs {needed * settings.page_tokens}. Raise cache_tokens or "
            "gpu_memory_fraction, or lower max_context_tokens"
        )
    return pages


def _tokens_in_memory(settings: EngineSettings, checkpoint: Checkpoint, activations: int) -> int:
    if checkpoint.device.type != "cuda":
        return _CPU_TOKENS
    config = checkpoint.model.config.text_config
    a_layer = bytes_per_token(config, checkpoint.dtype) / config.num_hidden_layers
    layers = Counter(checkpoint.layer_devices)
    left = {device: usable_memory(device, settings) - activations for device in layers}
    return max(0, min(int(left[device] / (a_layer * layers[device])) for device in layers))
