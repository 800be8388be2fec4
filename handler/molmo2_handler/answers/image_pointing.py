"""Reads the answer to ``pointing`` about images."""

from molmo2_contract.images import ImagePoint, ImagePointingResult
from molmo2_contract.operations import Pointing
from molmo2_handler.answers.blocks import losses_of, read_blocks
from molmo2_handler.answers.pointing import judge_points

ELSEWHERE = "in an image that was not sent"


def read_image_pointing(
    operation: Pointing, text: str, truncated: bool, images: int
) -> ImagePointingResult:
    """Every point with the number of its image, which stands where a video's answer has a time.

    A point without a number, as in Molmo 1's format, is in the first image.
    """
    blocks = read_blocks(text)
    losses = losses_of(blocks)
    points = []
    for block in blocks:
        for spoken in block.points:
            image = 1.0 if spoken.time is None else spoken.time
            if not (image.is_integer() and 1 <= image <= images):
                losses.add(ELSEWHERE)
                continue
            points.append(
                ImagePoint(
                    image=int(image),
                    id=spoken.id,
                    x=spoken.x,
                    y=spoken.y,
                    label=block.label or operation.prompt,
                )
            )
    verdict, count = judge_points(text, truncated, blocks, losses, kept=len(points))
    return ImagePointingResult(
        status=verdict.status,
        reason=verdict.reason,
        text=text,
        finish_reason=verdict.finish_reason,
        points=points,
        count=count,
    )
