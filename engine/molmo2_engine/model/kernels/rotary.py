"""What stands between a layer's projection and its attention, as one kernel.

The norm of each head's query and key where the model has one, the rotary embedding, and the new
keys and values written to their slots.
"""

import torch
import triton
import triton.language as tl


def rotate_and_write(
    projected: torch.Tensor,
    cosines: torch.Tensor,
    sines: torch.Tensor,
    head_norms: tuple[torch.Tensor, torch.Tensor] | None,
    epsilon: float,
    keys: torch.Tensor,
    values: torch.Tensor,
    slots: torch.Tensor,
) -> torch.Tensor:
    """Rotates queries and keys; writes keys and values.

    Args:
        projected: queries, keys and values of each token, [tokens, (heads + 2 kv heads) head size].
        cosines, sines: [tokens, head size].
        head_norms: the weights of the query's and the key's norm over one head, [head size].
        keys, values: [slots, kv heads, head size]; written at ``slots``, int64 [tokens].

    Returns:
        The queries, [tokens, heads, head size].
    """
    tokens = projected.shape[0]
    kv_heads, size = keys.shape[-2:]
    heads = projected.shape[1] // size - 2 * kv_heads
    query = projected.new_empty((tokens, heads, size))
    query_norm, key_norm = head_norms or (projected, projected)
    _rotate[(tokens, kv_heads)](
        projected,
        cosines,
        sines,
        query_norm,
        key_norm,
        query,
        keys,
        values,
        slots,
        projected.stride(0),
        keys.stride(0),
        values.stride(0),
        epsilon,
        NORM=head_norms is not None,
        HEADS=heads,
        KV_HEADS=kv_heads,
        GROUP=heads // kv_heads,
        SIZE=size,
        num_warps=1,
    )
    return query


@triton.jit
def _rotate(
    projected,
    cosines,
    sines,
    query_norm,
    key_norm,
    query,
    keys,
    values,
    slots,
    projected_stride,
    key_stride,
    value_stride,
    epsilon,
    NORM: tl.constexpr,
    HEADS: tl.constexpr,
    KV_HEADS: tl.constexpr,
    GROUP: tl.constexpr,
    SIZE: tl.constexpr,
):
    """One program: one token, one key head and its GROUP query heads."""
    token = tl.program_id(0).to(tl.int64)
    kv_head = tl.program_id(1)
    slot = tl.load(slots + token)
    place = tl.arange(0, SIZE)
    group = kv_head * GROUP + tl.arange(0, GROUP)
    row = projected + token * projected_stride
    cosine = tl.load(cosines + token * SIZE + place).to(tl.float32)[None, :]
    sine = tl.load(sines + token * SIZE + place).to(tl.float32)[None, :]

    turned = _turn(row + group[:, None] * SIZE, query_norm, cosine, sine, epsilon, NORM, SIZE)
    at_query = (token * HEADS + group[:, None]) * SIZE + place[None, :]
    tl.store(query + at_query, turned.to(query.dtype.element_ty))

    one = HEADS + kv_head + tl.arange(0, 1)
    turned = _turn(row + one[:, None] * SIZE, key_norm, cosine, sine, epsilon, NORM, SIZE)
    at_key = slot * key_stride + kv_head * SIZE + place[None, :]
    tl.store(keys + at_key, turned.to(keys.dtype.element_ty))

    value = tl.load(row + (HEADS + KV_HEADS + kv_head) * SIZE + place)
    tl.store(values + slot * value_stride + kv_head * SIZE + place, value)


@triton.jit
def _turn(heads, weight, cosine, sine, epsilon, NORM: tl.constexpr, SIZE: tl.constexpr):
    """Norms and rotates [n, SIZE]; the second half of a head turns against the first."""
    place = tl.arange(0, SIZE)
    other = (place + SIZE // 2) % SIZE
    here = tl.load(heads + place[None, :])
    across = tl.load(heads + other[None, :])
    dtype = here.dtype
    here, across = here.to(tl.float32), across.to(tl.float32)
    if NORM:
        scale = 1.0 / tl.sqrt(tl.sum(here * here, 1) / SIZE + epsilon)[:, None]
        by_here = tl.load(weight + place).to(tl.float32)[None, :]
        by_across = tl.load(weight + other).to(tl.float32)[None, :]
        here = ((here * scale).to(dtype).to(tl.float32) * by_here).to(dtype).to(tl.float32)
        across = ((across * scale).to(dtype).to(tl.float32) * by_across).to(dtype).to(tl.float32)
    across = tl.where(place[None, :] < SIZE // 2, -across, across)
    return here * cosine + across * sine
