"""What the released processor makes of a request's media and a prompt."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from molmo2_engine.wire import engine_pb2 as wire


def model_inputs(
    processor: Any, request: wire.AnswerRequest, prompt: str, device: torch.device
) -> dict[str, torch.Tensor]:
    """The arguments of the released model's ``forward``, for one prompt.

    A special token that the prompt spells out is that token here, as in the released processor;
    the engine takes it as text.
    """
    parts: list[dict[str, str]] = [{"type": "text", "text": prompt}]
    media: dict[str, Any]
    if request.WhichOneof("media") == "images":
        media = {"images": [_picture(image) for image in request.images.images]}
        parts += [{"type": "image"}] * len(media["images"])
    else:
        media = _video(request.video)
        parts.append({"type": "video"})
    turn = {"role": "user", "content": parts}
    text = processor.apply_chat_template([turn], tokenize=False, add_generation_prompt=True)
    inputs = processor(text=text, **media, return_tensors="pt")
    return {name: tensor.to(device) for name, tensor in inputs.items()}


def has_media(request: wire.AnswerRequest) -> bool:
    """Whether the frames or the pixels came along."""
    if request.WhichOneof("media") == "images":
        return all(image.pixels for image in request.images.images)
    return bool(request.video.frames)


def _video(video: wire.Video) -> dict[str, Any]:
    """Frames that are sampled and resized already: the processor finds nothing to change in them.

    It tells the model of the time ``frames_indices / fps``.
    """
    times = list(video.times)
    side = int((len(video.frames) // len(times) // 3) ** 0.5)
    frames = np.frombuffer(bytearray(video.frames), np.uint8).reshape(len(times), side, side, 3)
    told = {"fps": 1.0, "frames_indices": times, "total_num_frames": len(times)}
    return {"videos": [frames], "video_metadata": [told], "do_sample_frames": False}


def _picture(image: wire.Image) -> NDArray[np.uint8]:
    return np.frombuffer(bytearray(image.pixels), np.uint8).reshape(image.height, image.width, 3)
