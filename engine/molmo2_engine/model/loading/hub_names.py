"""Which weights of the hub's layout are which of transformers' own class.

The released files keep the names of the code that trained the model; transformers knows others,
and splits in three and two what is one matrix there. (transformers' own ``save_pretrained`` writes
the hub's names again.)
"""

import re
from dataclasses import dataclass

_RENAMED = (
    (r"^model\.transformer\.ln_f\.", "model.language_model.norm."),
    (r"^model\.transformer\.blocks\.", "model.language_model.layers."),
    (r"^(model\.language_model\..*)\.attn_norm\.", r"\1.input_layernorm."),
    (r"^(model\.language_model\..*)\.ff_norm\.", r"\1.post_attention_layernorm."),
    (r"^(model\.language_model\..*\.self_attn)\.attn_out\.", r"\1.o_proj."),
    (r"^(model\.language_model\..*\.mlp)\.ff_out\.", r"\1.down_proj."),
    (r"^model\.vision_backbone\.image_vit\.transformer\.resblocks\.", "model.vision_tower.layers."),
    (r"^model\.vision_backbone\.image_vit\.", "model.vision_tower."),
    (r"^(model\.vision_tower\..*)\.attention\.w([qkvo])\.", r"\1.self_attn.\2_proj."),
    (r"^(model\.vision_tower\..*)\.feed_forward\.w([12])\.", r"\1.mlp.fc\2."),
    (r"^(model\.vision_tower\..*)\.attention_norm\.", r"\1.layer_norm1."),
    (r"^(model\.vision_tower\..*)\.ffn_norm\.", r"\1.layer_norm2."),
    (r"^model\.vision_backbone\.image_p", "model.multi_modal_projector.image_p"),
    (r"(\.image_pooling_2d)\.w([qkvo])\.", r"\1.\2_proj."),
    (r"(\.image_projector)\.w1\.", r"\1.gate_proj."),
    (r"(\.image_projector)\.w2\.", r"\1.down_proj."),
    (r"(\.image_projector)\.w3\.", r"\1.up_proj."),
)
_SPLIT = {
    "self_attn.att_proj": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "mlp.ff_proj": ("mlp.up_proj", "mlp.gate_proj"),
}
_EMBEDDING = "model.language_model.embed_tokens.weight"


@dataclass(frozen=True)
class Place:
    """Where a stored tensor goes."""

    names: tuple[str, ...]
    """The weights that it holds, one below the other."""
    at_the_end: bool = False
    """Whether it is the last rows of its one weight instead of the first."""


def place_of(stored: str) -> Place:
    """Where a tensor of this name belongs; a name of transformers' own is its own."""
    if stored == "model.transformer.wte.embedding":
        return Place((_EMBEDDING,))
    if stored == "model.transformer.wte.new_embedding":
        return Place((_EMBEDDING,), at_the_end=True)
    name = stored
    for pattern, replacement in _RENAMED:
        name = re.sub(pattern, replacement, name)
    for joined, parts in _SPLIT.items():
        if f".{joined}." in name:
            return Place(tuple(name.replace(joined, part) for part in parts))
    return Place((name,))
