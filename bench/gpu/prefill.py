"""Vision encoding and prefill of one video, against the matrix product rate."""

import torch

from gpu import counts
from gpu.ceilings import best_seconds
from gpu.subject import FRAMES_AT_ONCE, PAGE_TOKENS, Subject
from molmo2_engine.model.vision import encode_frames
from molmo2_engine.model.vision_encoder import vision_of


def measure(subject: Subject) -> dict[str, float]:
    video, layout, config = subject.video(0), subject.layout, subject.config
    pages = -(-subject.prefix_tokens // PAGE_TOKENS)
    runner = subject.runner(pages)
    taken = list(range(1, pages + 1))
    rounds = 2 if subject.small else 8
    both = best_seconds(subject.device, lambda: runner.prefill_media(b"", video, taken), rounds)
    encoder = vision_of(subject.checkpoint.model)
    with torch.inference_mode():
        seeing = best_seconds(
            subject.device,
            lambda: encode_frames(encoder, layout.frame_format, video.frames, FRAMES_AT_ONCE),
            rounds,
        )
    patches = (subject.shape.frame_size // layout.frame_format.patch_size) ** 2
    rows, columns = layout.frame_format.grid
    vision = counts.vision_flop(config, subject.shape.frames, patches, rows * columns)
    text = counts.prefill_flop(config, layout.video_prefix(video.times)[1])
    rate = subject.ceilings.matrix_rate
    print(f"{subject.prefix_tokens} tokens, {subject.shape.frames} frames")
    print(f"{'':>16} {'ms':>9} {'TFLOP':>9} {'of matrix rate':>15}")
    for name, seconds, flop in (
        ("vision encoder", seeing, vision),
        ("text layers", both - seeing, text),
        ("both", both, vision + text),
    ):
        ratio = flop / rate / seconds
        print(f"{name:>16} {seconds * 1000:>9.1f} {flop / 1e12:>9.3f} {ratio:>15.3f}")
    return {"prefill_roofline": (vision + text) / rate / both}
