"""How much of its attention a guided head gives to where it should look."""

from typing import Any

import torch
from torch import nn
from transformers import Molmo2ForConditionalGeneration
from transformers.models.molmo2.modeling_molmo2 import apply_rotary_pos_emb

from molmo2_trainer.guides import GUIDES, Guide


class Watch:
    """Keeps what the attention of the guided layers was given in the last forward pass."""

    def __init__(self, model: Molmo2ForConditionalGeneration) -> None:
        self._layers = model.model.language_model.layers
        self._seen: dict[int, tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = {}
        for number, layer in enumerate(self._layers):
            layer.self_attn.register_forward_pre_hook(self._hook(number), with_kwargs=True)

    def hidden(self, layer: int) -> torch.Tensor:
        """[clips, tokens, hidden], normed."""
        return self._seen[layer][0]

    def losses(
        self, targets: dict[str, torch.Tensor], allowed: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """By guide: the mean of -log of the share that goes to the targets.

        ``targets`` are those of a batch; ``allowed`` says which token sees which: bool
        [clips, tokens, tokens].
        """
        return {
            name: self._loss(guide, targets[name], allowed)
            for name, guide in GUIDES.items()
            if (targets[name] >= 0).any()
        }

    def _hook(self, number: int) -> Any:
        def keep(_: nn.Module, __: tuple[Any, ...], given: dict[str, Any]) -> None:
            self._seen[number] = given["hidden_states"], *given["position_embeddings"]

        return keep

    def _loss(self, guide: Guide, targets: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
        attention = self._layers[guide.layer].self_attn
        hidden, cos, sin = self._seen[guide.layer]
        losses = []
        for head in guide.heads:
            group = head // attention.num_key_value_groups
            asking = _project(attention.q_proj, attention.q_norm, hidden, head)
            asked = _project(attention.k_proj, attention.k_norm, hidden, group)
            turned = apply_rotary_pos_emb(asking, asked, cos, sin, unsqueeze_dim=0)
            each = zip(*(states[0].unbind() for states in turned), targets, allowed, strict=True)
            for queries, keys, aimed, seen in each:
                (rows,) = (aimed[:, 0] >= 0).nonzero(as_tuple=True)
                scores = (queries[rows] @ keys.T).float() * attention.scaling
                shares = scores.masked_fill(~seen[rows], float("-inf")).log_softmax(-1)
                there = shares.gather(1, aimed[rows].clamp(min=0))
                losses.append(-there.masked_fill(aimed[rows] < 0, float("-inf")).logsumexp(-1))
        return torch.cat(losses).mean()


def _project(linear: nn.Linear, norm: nn.Module, hidden: torch.Tensor, head: int) -> torch.Tensor:
    """One head's queries or keys: [clips, tokens, head size]."""
    size = norm.weight.shape[0]
    weight = linear.weight[head * size : (head + 1) * size]
    projected: torch.Tensor = norm(nn.functional.linear(hidden, weight))
    return projected
