"""What the arithmetic of a checkpoint needs: operations of a prefill, bytes of a decode step."""

from collections.abc import Sequence

from transformers import Molmo2Config


def vision_flop(config: Molmo2Config, frames: int, patches: int, tokens: int) -> float:
    """Of the vision encoder and the adapter; a frame has ``patches`` and becomes ``tokens``."""
    vision, adapter = config.vision_config, config.adapter_config
    width, inner = vision.hidden_size, vision.intermediate_size
    weights = vision.num_hidden_layers * (4 * width * width + 2 * width * inner)
    weights += 3 * vision.patch_size**2 * width
    among_patches = 4 * patches**2 * width * vision.num_hidden_layers
    pooled = width * len(adapter.vision_feature_layer)
    window = patches / tokens
    pooling = tokens * (2 * pooled * width + 4 * window * width + 2 * width * width)
    pooling += 2 * patches * 2 * pooled * width
    projector = 2 * tokens * adapter.intermediate_size * (2 * width + adapter.text_hidden_size)
    return float(frames * (2 * patches * weights + among_patches + pooling + projector))


def layer_weights(config: Molmo2Config) -> int:
    """Weights of the text layers' products."""
    text = config.text_config
    heads = text.num_attention_heads * text.head_dim
    kv_heads = text.num_key_value_heads * text.head_dim
    one = text.hidden_size * (2 * heads + 2 * kv_heads + 3 * text.intermediate_size)
    return text.num_hidden_layers * one


def prefill_flop(config: Molmo2Config, visual: Sequence[bool]) -> float:
    """Of the text layers over a media prefix; ``visual`` says it of each of its tokens.

    Of attention, what is seen is counted: visual tokens by each other, all else by what follows.
    """
    text = config.text_config
    tokens, seen = len(visual), sum(visual)
    pairs = tokens * (tokens + 1) // 2 + seen * (seen - 1) // 2
    heads = text.num_attention_heads * text.head_dim
    attention = 4 * pairs * heads * text.num_hidden_layers
    return float(2 * tokens * layer_weights(config) + attention)


def kv_bytes(config: Molmo2Config, element: int) -> int:
    """Of the keys and values of one token."""
    text = config.text_config
    return 2 * text.num_key_value_heads * text.head_dim * text.num_hidden_layers * element


def step_bytes(config: Molmo2Config, context_tokens: int, element: int) -> int:
    """That one decode step must read: every weight once, and all keys and values of the batch.

    ``context_tokens`` are those of all sequences together.
    """
    head = config.text_config.vocab_size * config.text_config.hidden_size
    return (layer_weights(config) + head) * element + context_tokens * kv_bytes(config, element)
