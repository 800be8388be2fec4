"""The weights of a Molmo2 checkpoint in the hub's layout: their names and shapes."""

from collections.abc import Iterator
from dataclasses import dataclass

PATCH = 14
ADDED_TOKENS = 128


@dataclass(frozen=True)
class Sizes:
    """How large a checkpoint is. Kinds: ``qwen3`` (4B, 8B, VideoPoint-4B), ``olmo3`` (O-7B)."""

    kind: str
    hidden: int = 64
    heads: int = 4
    kv_heads: int = 2
    head: int = 16
    inner: int = 128
    layers: int = 2
    vocabulary: int = 384
    vision_hidden: int = 32
    vision_heads: int = 2
    vision_head: int = 16
    vision_inner: int = 64
    vision_layers: int = 3
    """Those in use; the configuration declares two more, as the released ones do."""
    frame: int = 84
    """Pixels; a frame and a crop are squares."""


def shapes(sizes: Sizes) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every weight, in the order of the released files."""
    yield "model.transformer.wte.embedding", (sizes.vocabulary, sizes.hidden)
    yield "model.transformer.wte.new_embedding", (ADDED_TOKENS, sizes.hidden)
    for layer in range(sizes.layers):
        yield from _block(f"model.transformer.blocks.{layer}", sizes)
    yield "model.transformer.ln_f.weight", (sizes.hidden,)
    yield from _vision("model.vision_backbone.image_vit", sizes)
    yield from _adapter("model.vision_backbone", sizes)
    yield "lm_head.weight", (sizes.vocabulary, sizes.hidden)


def _block(name: str, sizes: Sizes) -> Iterator[tuple[str, tuple[int, ...]]]:
    queries, keys = sizes.heads * sizes.head, sizes.kv_heads * sizes.head
    per_head = sizes.kind == "qwen3"  # the other kind normalises queries and keys as a whole
    yield f"{name}.self_attn.att_proj.weight", (queries + 2 * keys, sizes.hidden)
    yield f"{name}.self_attn.k_norm.weight", (sizes.head if per_head else keys,)
    yield f"{name}.self_attn.q_norm.weight", (sizes.head if per_head else queries,)
    yield f"{name}.self_attn.attn_out.weight", (sizes.hidden, queries)
    yield f"{name}.attn_norm.weight", (sizes.hidden,)
    yield f"{name}.mlp.ff_proj.weight", (2 * sizes.inner, sizes.hidden)
    yield f"{name}.mlp.ff_out.weight", (sizes.hidden, sizes.inner)
    yield f"{name}.ff_norm.weight", (sizes.hidden,)


def _vision(name: str, sizes: Sizes) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, inner = sizes.vision_hidden, sizes.vision_inner
    yield f"{name}.positional_embedding", ((sizes.frame // PATCH) ** 2, hidden)
    yield from _linear(f"{name}.patch_embedding", hidden, 3 * PATCH**2)
    for layer in range(sizes.vision_layers):
        block = f"{name}.transformer.resblocks.{layer}"
        attended = sizes.vision_heads * sizes.vision_head
        for part in ("wq", "wk", "wv"):
            yield from _linear(f"{block}.attention.{part}", attended, hidden)
        yield from _linear(f"{block}.attention.wo", hidden, attended)
        yield from _linear(f"{block}.feed_forward.w1", inner, hidden)
        yield from _linear(f"{block}.feed_forward.w2", hidden, inner)
        for norm in ("attention_norm", "ffn_norm"):
            yield f"{block}.{norm}.weight", (hidden,)
            yield f"{block}.{norm}.bias", (hidden,)


def _adapter(name: str, sizes: Sizes) -> Iterator[tuple[str, tuple[int, ...]]]:
    """It sees the outputs of two layers of the vision encoder, side by side."""
    hidden = sizes.vision_hidden
    for part in ("wq", "wk", "wv"):
        yield from _linear(f"{name}.image_pooling_2d.{part}", hidden, 2 * hidden)
    yield from _linear(f"{name}.image_pooling_2d.wo", hidden, hidden)
    yield f"{name}.image_projector.w1.weight", (sizes.inner, hidden)
    yield f"{name}.image_projector.w2.weight", (sizes.hidden, sizes.inner)
    yield f"{name}.image_projector.w3.weight", (sizes.inner, hidden)


def _linear(name: str, rows: int, columns: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (rows, columns)
    yield f"{name}.bias", (rows,)
