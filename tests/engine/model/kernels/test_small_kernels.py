"""What stands between a layer's products: each kernel against transformers' own modules."""

import pytest
import torch
from transformers.models.molmo2.modeling_molmo2 import Molmo2RMSNorm, apply_rotary_pos_emb

from molmo2_engine.model.kernels.gated import gate
from molmo2_engine.model.kernels.norm import add_and_norm, add_normed, rms_norm
from molmo2_engine.model.kernels.rotary import rotate_and_write
from molmo2_engine.model.kernels.skinny_linear import Tiling, skinny_linear

EPSILON = 1e-6


def same(one: torch.Tensor, other: torch.Tensor) -> None:
    torch.testing.assert_close(one.cpu(), other.cpu(), atol=1e-6, rtol=1e-5)


@pytest.fixture
def norm(device):
    module = Molmo2RMSNorm(48, EPSILON).to(device).requires_grad_(False)
    module.weight.normal_()
    return module


def test_norms_and_the_additions_beside_them(norm, device):
    torch.manual_seed(1)
    residual, delta = (torch.randn(5, 48, device=device) for _ in range(2))

    same(rms_norm(residual, norm.weight, EPSILON), norm(residual))

    total = residual.clone()
    same(add_and_norm(total, delta, norm.weight, EPSILON), norm(residual + delta))
    same(total, residual + delta)

    total = residual.clone()
    same(add_normed(total, delta, norm.weight, EPSILON), residual + norm(delta))
    same(total, residual + norm(delta))


def test_a_norm_of_some_columns_in_place(norm, device):
    wide = torch.randn(3, 100, device=device)
    before = wide.clone()
    part = wide[:, 20:68]

    rms_norm(part, norm.weight, EPSILON, output=part)

    same(wide[:, 20:68], norm(before[:, 20:68]))
    same(wide[:, 68:], before[:, 68:])
    same(wide[:, :20], before[:, :20])


@pytest.mark.parametrize("per_head", [True, False])
@pytest.mark.parametrize(("kv_heads", "group"), [(2, 2), (3, 1)])
def test_queries_and_keys_turn_and_keys_and_values_land_in_their_slots(
    kv_heads, group, per_head, device
):
    torch.manual_seed(2)
    tokens, size, heads = 4, 16, kv_heads * group
    projected = torch.randn(tokens, (heads + 2 * kv_heads) * size, device=device)
    angles = torch.randn(tokens, size // 2, device=device).repeat(1, 2)
    norms = [Molmo2RMSNorm(size, EPSILON).to(device).requires_grad_(False) for _ in range(2)]
    for module in norms:
        module.weight.normal_()
    pool = torch.zeros(2, 9, kv_heads, size, device=device)
    slots = torch.tensor([7, 0, 3, 8], device=device)
    query, keys, values = (
        part.unflatten(1, (-1, size))
        for part in projected.split([heads * size, kv_heads * size, kv_heads * size], 1)
    )
    if per_head:
        query, keys = norms[0](query), norms[1](keys)
    query, keys = apply_rotary_pos_emb(query, keys, angles.cos(), angles.sin())

    turned = rotate_and_write(
        projected,
        angles.cos(),
        angles.sin(),
        (norms[0].weight, norms[1].weight) if per_head else None,
        EPSILON,
        *pool,
        slots,
    )

    same(turned, query)
    same(pool[0, slots], keys)
    same(pool[1, slots], values)
    assert not pool[:, [1, 2, 4, 5, 6]].any()


def test_the_gated_unit(device):
    projected = torch.randn(3, 2 * 1500, device=device)
    opened, passed = projected.split(1500, 1)
    same(gate(projected), torch.nn.functional.silu(opened) * passed)


@pytest.mark.parametrize("tokens", [1, 3, 16])
def test_a_few_tokens_times_a_weight(tokens, device):
    torch.manual_seed(3)
    hidden = torch.randn(tokens, 80, device=device)
    weight = torch.randn(50, 80, device=device)
    tiling = Tiling(outputs=16, inputs=32, warps=4, stages=2)
    torch.testing.assert_close(
        skinny_linear(hidden, weight, tiling).cpu(), (hidden @ weight.T).cpu(), atol=1e-4, rtol=1e-4
    )
