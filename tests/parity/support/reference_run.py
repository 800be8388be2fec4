"""Asks the reference: the released checkpoints' own code, under transformers 4.57.1.

It runs in an environment of its own (``make parity``) and writes a file that ``parity.py`` reads.
"""

import argparse
import hashlib
from pathlib import Path
from typing import Any

import torch
from parity_cases import CASES, NEW_TOKENS, VIDEOS, Answer, Case, save
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor, LogitsProcessor


class Reference:
    """The reference's processor and its model, in float32, bfloat16 and float64."""

    def __init__(self, checkpoint: Path) -> None:
        self._processor = AutoProcessor.from_pretrained(checkpoint, trust_remote_code=True)
        self._model = self._load(checkpoint, torch.float32)
        self._rough = self._load(checkpoint, torch.bfloat16)
        self._exact = self._load(checkpoint, torch.float32).double()

    @torch.inference_mode()
    def answer(self, case: Case) -> Answer:
        inputs = self._inputs(case)
        done = self._model.generate(
            **inputs,
            max_new_tokens=NEW_TOKENS,
            do_sample=False,
            output_logits=True,
            return_dict_in_generate=True,
        )
        length = inputs["input_ids"].shape[1]
        tokens = done.sequences[0, length:]
        logits = torch.cat(done.logits)
        rough = self._logits(self._rough, inputs, tokens)
        exact = self._logits(self._exact, inputs, tokens)
        return Answer(
            ids=inputs["input_ids"][0].tolist(),
            pixels=_digest(inputs),
            tokens=tokens.tolist(),
            logits=logits.numpy(),
            choices=rough.argmax(-1).tolist(),
            choices_by_step=self._choices_by_step(inputs, tokens),
            rounding=(logits - exact).abs().max().item(),
        )

    def _inputs(self, case: Case) -> dict[str, torch.Tensor]:
        media: dict[str, Any] = {}
        parts = [{"type": "text", "text": case.prompt}]
        if case.video:
            media["videos"] = [str(VIDEOS / case.video)]
            parts.append({"type": "video"})
        if case.pictures:
            media["images"] = [Image.fromarray(picture.pixels()) for picture in case.pictures]
            parts += [{"type": "image"}] * len(case.pictures)
        text = self._processor.apply_chat_template(
            [{"role": "user", "content": parts}], tokenize=False, add_generation_prompt=True
        )
        return dict(self._processor(text=text, **media, return_tensors="pt"))

    @staticmethod
    def _logits(model: Any, inputs: dict[str, torch.Tensor], tokens: torch.Tensor) -> torch.Tensor:
        """Before each of ``tokens``, given those before it: float32 [tokens, vocabulary]."""
        whole = torch.cat([inputs["input_ids"], tokens[None]], dim=1)
        text = torch.zeros_like(tokens[None])
        logits = model(
            **{key: _as_of(model, value) for key, value in inputs.items()}
            | {
                "input_ids": whole,
                "attention_mask": torch.ones_like(whole),
                "token_type_ids": torch.cat([inputs["token_type_ids"], text], dim=1),
            },
            use_cache=False,
        ).logits
        return logits[0, -len(tokens) - 1 : -1].float()

    def _choices_by_step(self, inputs: dict[str, torch.Tensor], tokens: torch.Tensor) -> list[int]:
        done = self._rough.generate(
            **{key: _as_of(self._rough, value) for key, value in inputs.items()},
            max_new_tokens=len(tokens),
            do_sample=False,
            logits_processor=[_Forced(inputs["input_ids"].shape[1], tokens)],
            output_logits=True,
            return_dict_in_generate=True,
        )
        return torch.cat(done.logits).argmax(-1).tolist()

    @staticmethod
    def _load(checkpoint: Path, dtype: torch.dtype) -> Any:
        model, report = AutoModelForImageTextToText.from_pretrained(
            checkpoint, trust_remote_code=True, dtype=dtype, output_loading_info=True
        )
        wrong = {kind: found for kind, found in report.items() if found}
        assert not wrong, f"the reference cannot load these weights: {wrong}"
        return model.eval()


class _Forced(LogitsProcessor):
    """Has ``generate`` take the tokens that it is given."""

    def __init__(self, prompt: int, tokens: torch.Tensor) -> None:
        self._prompt = prompt
        self._tokens = tokens

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        forced = torch.full_like(scores, -torch.inf)
        forced[:, self._tokens[input_ids.shape[1] - self._prompt]] = 0
        return forced


def _as_of(model: Any, values: torch.Tensor) -> torch.Tensor:
    return values.to(model.dtype) if values.is_floating_point() else values


def _digest(inputs: dict[str, torch.Tensor]) -> str:
    patches = inputs.get("pixel_values_videos", inputs.get("pixel_values"))
    if patches is None:
        return ""
    return hashlib.blake2b(patches.float().numpy().tobytes(), digest_size=16).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path, help="in the hub's layout, its .py files too")
    parser.add_argument("output", type=Path)
    parser.add_argument("--golden", type=Path, help="also write less of it, to be committed")
    arguments = parser.parse_args()
    torch.set_num_threads(2)  # with one, ATen resizes with another rounding
    reference = Reference(arguments.checkpoint)
    answers = {case.name: reference.answer(case) for case in CASES}
    save(arguments.output, answers, whole=True)
    if arguments.golden:
        save(arguments.golden, answers, whole=False)


if __name__ == "__main__":
    main()
