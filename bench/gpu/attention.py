"""Attention by itself: to KV pages in a decode step, and among media tokens in a prefill."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F

from gpu.ceilings import best_seconds
from gpu.paged_variants import Pages, Prepare, variants
from gpu.subject import Subject
from molmo2_engine.model.attention.every_key import KERNELS, attend_to_all
from molmo2_engine.model.attention.media import MediaAttention

_PAGE_TOKENS = (16, 32, 64, 128, 256)
_TILINGS = [
    {"columns": columns, "warps": warps, "stages": stages}
    for columns, warps in ((32, 4), (64, 4), (128, 4), (128, 8))
    for stages in (2, 3, 5)
]
_TILING_TO_INTERPRET = {"columns": 64, "programs": 8}


@torch.inference_mode()
def measure(subject: Subject) -> dict[str, float]:
    """Prints tables; there is no figure to reach."""
    for rows in (1, subject.shape.batch):
        _decode(subject, rows)
    _prefill(subject)
    return {}


def _decode(subject: Subject, rows: int) -> None:
    """Each call reads the pages of another layer, so that none are in the cache of the GPU."""
    by_pages = _PAGE_TOKENS[:1] if subject.small else _PAGE_TOKENS
    tilings = [_TILING_TO_INTERPRET] if subject.small else _TILINGS
    print(f"one layer's attention of a decode step, {rows} sequences of {subject.tokens_a_video}")
    print(f"{'us (share of bandwidth), pages of':>40}" + "".join(f"{n:>15}" for n in by_pages))
    lines: dict[str, str] = {}
    failures: dict[str, str] = {}
    for page_tokens in by_pages:
        step, pools = _pages(subject, rows, page_tokens)
        query = torch.randn(rows, 1, step.heads, step.size).to(pools[0][0])
        right = None
        for name, prepare in variants(tilings):
            try:
                told, output = _timed(subject, prepare, step, query, pools)
                right = output if right is None else right
                torch.testing.assert_close(output, right, atol=0.02, rtol=0.02)
            except Exception as error:
                told = "-"
                failures[f"{name}, pages of {page_tokens}"] = _first_line(error)
            lines[name] = lines.get(name, f"{name:>40}") + f"{told:>15}"
    print("\n".join(lines.values()))
    for name, reason in failures.items():
        print(f"not measured: {name}: {reason}")


def _pages(
    subject: Subject, rows: int, page_tokens: int
) -> tuple[Pages, list[tuple[torch.Tensor, torch.Tensor]]]:
    text = subject.config.text_config
    each = -(-subject.tokens_a_video // page_tokens)
    pages = rows * each + 1
    order = torch.randperm(pages - 1, device=subject.device) + 1
    step = Pages(
        tables=order.reshape(rows, each).int(),
        lengths=torch.full((rows,), subject.tokens_a_video, dtype=torch.int32).to(subject.device),
        pages=pages,
        page_tokens=page_tokens,
        heads=text.num_attention_heads,
        kv_heads=text.num_key_value_heads,
        size=text.head_dim,
        dtype=subject.dtype,
    )
    shape = (2, pages, page_tokens, step.kv_heads, step.size)
    layers = min(text.num_hidden_layers, 8 if rows > 1 else text.num_hidden_layers)
    return step, [
        tuple(torch.randn(shape, device=subject.device, dtype=subject.dtype)) for _ in range(layers)
    ]


def _timed(
    subject: Subject,
    prepare: Prepare,
    step: Pages,
    query: torch.Tensor,
    pools: list[tuple[torch.Tensor, torch.Tensor]],
) -> tuple[str, torch.Tensor]:
    attend = prepare(step)
    output = attend(query, *pools[0])
    seconds = _seconds(subject, lambda: [attend(query, *pool) for pool in pools]) / len(pools)
    read = 2 * int(step.lengths.sum()) * step.kv_heads * step.size * step.dtype.itemsize
    return f"{seconds * 1e6:.1f} ({read / seconds / subject.ceilings.bandwidth:.2f})", output


def _prefill(subject: Subject) -> None:
    text = subject.config.text_config
    visual = subject.layout.video_prefix(subject.video(0).times)[1]
    query, keys, values = (
        torch.randn(
            len(visual), heads, text.head_dim, device=subject.device, dtype=subject.dtype
        ).transpose(0, 1)
        for heads in (text.num_attention_heads, *[text.num_key_value_heads] * 2)
    )
    among = torch.tensor(visual, device=subject.device)
    scale = text.head_dim**-0.5
    ways: dict[str, Callable[[], object]] = {}
    for name in KERNELS:
        heads = [tensor[:, among] for tensor in (query, keys, values)]
        ways[f"visual tokens only, {name}"] = lambda n=name, h=heads: attend_to_all(*h, scale, n)
        parts = MediaAttention(visual, subject.device, name)
        ways[f"all in parts, {name}"] = lambda p=parts: p(query, keys, values, scale)
    dense = torch.ones(len(visual), len(visual), dtype=torch.bool, device=subject.device).tril()
    dense |= among[:, None] & among
    ways["all under a dense mask"] = lambda: F.scaled_dot_product_attention(
        query[None], keys[None], values[None], attn_mask=dense, enable_gqa=True
    )
    flop = 4 * int(dense.sum()) * text.num_attention_heads * text.head_dim
    print(f"one layer's attention of a prefill of {len(visual)} tokens")
    print(f"{'':>40}{'ms':>9}{'of matrix rate':>15}")
    for name, way in ways.items():
        try:
            seconds = _seconds(subject, way)
        except Exception as error:
            print(f"{name:>40}  not measured: {_first_line(error)}")
            continue
        share = flop / seconds / subject.ceilings.matrix_rate
        print(f"{name:>40}{seconds * 1000:>9.3f}{share:>15.3f}")


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:80]}"


def _seconds(subject: Subject, work: Callable[[], object]) -> float:
    """In a CUDA graph where that is possible, so that the CPU's launches do not count."""
    if subject.device.type == "cuda":
        from molmo2_engine.model.stopwatch import seconds_on_device

        work()
        seconds = seconds_on_device(work)
        if math.isfinite(seconds):
            return seconds
    return best_seconds(subject.device, work, 2 if subject.small else 5)
