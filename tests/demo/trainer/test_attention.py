"""A guided head is graded by the attention that the model really pays."""

import torch

from molmo2_trainer.guides import GUIDES
from molmo2_trainer.student import attends


@torch.no_grad()
def test_the_loss_is_that_of_the_models_own_attention(student, batch, features):
    paid = {}
    layers = student.model.model.language_model.layers
    hooks = [
        layer.self_attn.register_forward_hook(
            lambda _, __, out, number=number: paid.update({number: out[1][0]})
        )
        for number, layer in enumerate(layers)
    ]
    allowed = attends(batch)
    added = torch.zeros(allowed.shape).masked_fill(~allowed, float("-inf"))
    student.model.set_attn_implementation("eager")  # the other one keeps its weights to itself
    student.read(batch, features, added)
    student.model.set_attn_implementation("sdpa")
    for hook in hooks:
        hook.remove()
    losses = student.watch.losses(batch.targets, allowed)
    for name, guide in GUIDES.items():
        targets = batch.targets[name][0]
        rows = (targets[:, 0] >= 0).nonzero()[:, 0]
        each = [
            -paid[guide.layer][head, row, targets[row][targets[row] >= 0]].sum().log()
            for head in guide.heads
            for row in rows
        ]
        torch.testing.assert_close(losses[name], torch.stack(each).mean(), atol=1e-3, rtol=1e-3)
