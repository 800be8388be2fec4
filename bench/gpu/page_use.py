"""How much of the memory for KV pages the largest batch of distinct videos holds."""

from pathlib import Path

import torch

from gpu.subject import FRAMES_AT_ONCE, PAGE_TOKENS, Subject
from molmo2_engine.kv.sizing import count_pages
from molmo2_engine.model.activations import largest_prefill
from molmo2_engine.settings import EngineSettings

_STEPS_WITHOUT_A_NEW_ONE = 20


def measure(subject: Subject) -> dict[str, float]:
    """Videos come until no more fit; nobody's answer ends before that."""
    pages = _pages(subject)
    fit = pages * PAGE_TOKENS // subject.tokens_a_video + 2
    # A step prefills one video and gives the others a token: that many steps, and those that wait.
    answer = fit + 2 * _STEPS_WITHOUT_A_NEW_ONE
    engine = subject.engine(subject.runner(pages), sequences=fit, decode_share=0)
    for key in range(fit):
        engine.submit(subject.job(subject.video(key % 4), key, answer=answer))
    running, held, unchanged = 0, 0, 0
    while unchanged < _STEPS_WITHOUT_A_NEW_ONE:
        engine.step()
        unchanged = 0 if len(engine.batch) > running else unchanged + 1
        running = max(running, len(engine.batch))
        held = max(held, sum(sequence.table.tokens for sequence in engine.batch.running))
    print(f"{running} videos at once hold {held} of {pages * PAGE_TOKENS} tokens in {pages} pages")
    return {"page_use": held / (pages * PAGE_TOKENS)}


def _pages(subject: Subject) -> int:
    settings = EngineSettings(
        checkpoint="random",
        socket=Path("unused.sock"),
        page_tokens=PAGE_TOKENS,
        cache_tokens=None if subject.device.type == "cuda" else 40 * subject.tokens_a_video,
    )
    activations = 0
    if subject.device.type == "cuda":
        activations = largest_prefill(
            subject.checkpoint,
            subject.layout,
            tokens=subject.tokens_a_video,
            page_tokens=PAGE_TOKENS,
            frames_at_once=FRAMES_AT_ONCE,
        )
        free, total = torch.cuda.mem_get_info(subject.device)
        print(
            f"memory {total / 2**30:.1f} GiB, {free / 2**30:.1f} GiB beside the weights, of which"
        )
        print(f"{activations / 2**30:.2f} GiB for activations and {settings.gpu_memory_fraction=}")
    return count_pages(settings, subject.checkpoint, subject.tokens_a_video, activations)
