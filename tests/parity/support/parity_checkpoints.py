"""The checkpoints that both sides answer with, in the hub's layout: two random, one trained.

    python parity_checkpoints.py FOLDER [--reference FOLDER]

With ``--reference`` the reference's code is copied beside each, as in a released checkpoint.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from hub_checkpoint import ADAPTER, ATTENTION, KINDS, write_hub_checkpoint
from safetensors.torch import load_file, save_file
from tiny_tokenizer import CHAT_TEMPLATE

TRAINED = Path(__file__).parents[3] / "demo" / "checkpoint"
CODE = (
    "configuration_molmo2.py",
    "modeling_molmo2.py",
    "processing_molmo2.py",
    "image_processing_molmo2.py",
    "video_processing_molmo2.py",
)
_CLASSES = {
    "preprocessor_config.json": ("AutoImageProcessor", "image_processing_molmo2"),
    "video_preprocessor_config.json": ("AutoVideoProcessor", "video_processing_molmo2"),
    "processor_config.json": ("AutoProcessor", "processing_molmo2"),
}


def write_checkpoints(folder: Path) -> list[Path]:
    written = [write_hub_checkpoint(folder / kind, sizes) for kind, sizes in KINDS.items()]
    return [*written, write_trained(folder / "trained")]


def write_trained(folder: Path) -> Path:
    """The demonstration model as the hub would have it; its weights have the hub's names."""
    shutil.copytree(TRAINED, folder, dirs_exist_ok=True)
    native = json.loads((TRAINED / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(_hub_config(native), indent=2))
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE)  # the model's own knows no images
    _split_embedding(folder / "model.safetensors", native["text_config"]["vocab_size"])
    for name, (auto, module) in _CLASSES.items():
        content = json.loads((TRAINED / name).read_text())
        content["auto_map"] = {auto: f"{module}.{auto.replace('Auto', 'Molmo2')}"}
        (folder / name).write_text(json.dumps(content, indent=2))
    return folder


def _split_embedding(weights: Path, vocabulary: int) -> None:
    """Text's tokens and media's are two matrices; transformers cuts them in the middle instead."""
    tensors = load_file(weights)
    names = [f"model.transformer.wte.{name}" for name in ("embedding", "new_embedding")]
    rows = torch.cat([tensors[name] for name in names])
    for name, part in zip(names, rows.split([vocabulary, len(rows) - vocabulary]), strict=True):
        tensors[name] = part.contiguous()
    save_file(tensors, weights, metadata={"format": "pt"})


def _hub_config(native: dict[str, Any]) -> dict[str, Any]:
    """The names that the released code reads, from those of transformers' own class."""
    vision, adapter = dict(native["vision_config"]), dict(native["adapter_config"])
    text = dict(native["text_config"])
    vision |= {
        "model_type": "molmo2",
        "image_default_input_size": vision.pop("image_size"),
        "image_patch_size": vision.pop("patch_size"),
        "image_num_pos": vision.pop("num_position_embeddings"),
    }
    adapter |= {"model_type": "molmo2", "vit_layers": adapter.pop("vision_feature_layer")}
    text |= {
        "qkv_bias": text.pop("attention_bias"),
        "layer_norm_eps": text.pop("rms_norm_eps"),
        "use_qk_norm": True,
        "rope_theta": text.pop("rope_parameters")["rope_theta"],
        "rope_scaling": None,
        "rope_scaling_layers": None,
    }
    auto = {
        "AutoConfig": "configuration_molmo2.Molmo2Config",
        "AutoModelForImageTextToText": "modeling_molmo2.Molmo2ForConditionalGeneration",
    }
    parts = {
        "vit_config": ATTENTION | vision,
        "adapter_config": ADAPTER | adapter,
        "text_config": ATTENTION | text,
    }
    rest = {key: value for key, value in native.items() if not key.endswith("_config")}
    return rest | parts | {"auto_map": auto, "use_frame_special_tokens": False}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reference", type=Path, help="folder with the reference's code")
    arguments = parser.parse_args()
    for checkpoint in write_checkpoints(arguments.folder):
        if arguments.reference:
            for name in CODE:
                shutil.copy(arguments.reference / name, checkpoint)
        print(checkpoint)


if __name__ == "__main__":
    main()
