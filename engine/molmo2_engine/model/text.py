"""The text model: from embeddings to states to logits, in transformers' layers or fused ones."""

from typing import Protocol

import torch
from transformers import Molmo2ForConditionalGeneration

from molmo2_engine.kv.forward_pass import ForwardPass
from molmo2_engine.model.fused_text import FusedText
from molmo2_engine.model.loading import is_split
from molmo2_engine.model.quantising import is_quantised


class Text(Protocol):
    """The tokens of a call may be of many sequences; only the pass knows which belong together."""

    media_kernel: str | None
    """The kernel for the visual tokens of media; None for PyTorch's choice."""

    def states(
        self, embedded: torch.Tensor, positions: torch.Tensor, forward_pass: ForwardPass
    ) -> torch.Tensor:
        """The last hidden states [tokens, hidden]; may overwrite ``embedded``, which is that too.

        ``positions`` are int64 [tokens].
        """
        ...

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """[rows, hidden] → float32 [rows, vocabulary]."""
        ...


class TransformersText:
    """transformers' own layers, which the fused ones are tested against."""

    media_kernel = None

    def __init__(self, model: Molmo2ForConditionalGeneration) -> None:
        self._text = model.model.language_model
        self._head = model.lm_head
        # A mask of four dimensions is taken as it is; the attention function needs none.
        self._no_mask = torch.empty(1, 1, 1, 1, device=model.device)

    def states(
        self, embedded: torch.Tensor, positions: torch.Tensor, forward_pass: ForwardPass
    ) -> torch.Tensor:
        output = self._text(
            inputs_embeds=embedded[None],
            position_ids=positions[None],
            attention_mask=self._no_mask,
            past_key_values=forward_pass,
            attend=forward_pass.attend,
        )
        return output.last_hidden_state[0]

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        return self._head(states).float()


def text_of(model: Molmo2ForConditionalGeneration) -> Text:
    """The fastest way to run a model's text layers where it is."""
    if is_split(model):
        from molmo2_engine.model.split_text import SplitText

        return SplitText(model)
    if is_quantised(model):
        return TransformersText(model)
    return FusedText(model)
