"""What both sides are asked: videos, images, sets of images, and text alone."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

VIDEOS = Path(__file__).parents[2] / "handler" / "video" / "golden" / "videos"
NEW_TOKENS = 16


@dataclass(frozen=True)
class Picture:
    """An image that is drawn anew for each run, the same one every time."""

    height: int
    width: int
    seed: int

    def pixels(self) -> NDArray[np.uint8]:
        """uint8 RGB [height, width, 3]: waves, and noise over them."""
        chance = np.random.RandomState(self.seed)
        rows, columns = np.mgrid[: self.height, : self.width]
        waves = [(rows * (2 + c) + columns * (3 - c)) // 2 % 200 for c in range(3)]
        noise = chance.randint(0, 56, (self.height, self.width, 3))
        return (np.stack(waves, axis=2) + noise).astype(np.uint8)


@dataclass(frozen=True)
class Case:
    """One question about a video, about images, or about neither."""

    name: str
    prompt: str
    video: str | None = None
    """A file among the videos whose frames are the reference's, bit for bit."""
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What one side made of a case."""

    ids: list[int]
    """The prompt's token ids, media included."""
    pixels: str
    """A digest of the patches that the vision encoder sees; empty without media."""
    tokens: list[int]
    """Greedy, in float32, with the one that ends the answer where it came."""
    logits: NDArray[np.float32]
    """Before each of those tokens, or before the first and the last: [steps, vocabulary]."""
    choices: list[int]
    """In bfloat16: the likeliest token after each beginning of ``tokens``."""
    choices_by_step: list[int] = field(default_factory=list)
    """The same, made as an answer is: token after token, with the keys and values kept."""
    rounding: float = 0.0
    """How far the reference's own ``logits`` lie from those that it computes in float64."""


LOGIT_BOUND = 1e-4


def logit_bound(reference: Iterable[Answer]) -> float:
    """How far from recorded answers about one checkpoint logits may be that another CPU makes.

    It is ``LOGIT_BOUND``, unless float32 moves the reference's own logits by more: a trained model
    may make so much of its vision encoder's rounding where it sees what it has not learnt.
    """
    return max(LOGIT_BOUND, *(answer.rounding for answer in reference))


_NAMES = (
    ("10fps.mp4", "Point to the circle."),
    ("23.976fps.mkv", "Track the red circle."),
    ("29.97fps.mp4", "Describe this video."),
    ("30fps.mp4", "Point to the the tointer, then to 12.5 things!"),
    ("60fps.mp4", "What happens?\nAnswer in one word."),
    ("b-frames.mkv", "How many shapes are there?"),
    ("hevc-b-frames.mp4", "Où est le café — là?"),
    ("uneven-b-frames.mp4", "Track the person's hand."),
)

CASES = (
    *(Case(f"video {name}", prompt, video=name) for name, prompt in _NAMES),
    Case("image wide", "Point to the dog.", pictures=(Picture(90, 260, 1),)),
    Case("image tall", "Describe this image.", pictures=(Picture(300, 110, 2),)),
    Case("image small", "What is this?", pictures=(Picture(40, 30, 3),)),
    Case("image large", "How many?", pictures=(Picture(500, 640, 4),)),
    Case("two images", "What changed?", pictures=(Picture(120, 160, 5), Picture(160, 120, 6))),
    Case(
        "three images",
        "Point to the cats.",
        pictures=(Picture(84, 84, 7), Picture(200, 210, 8), Picture(70, 350, 9)),
    ),
    Case("text short", "Hello"),
    Case("text digits", "What is 12 + 345?"),
    Case("text lines", "Two lines:\n\n  the second is indented."),
    Case("text signs", "naïve – 日本語, 100 % <points>"),
)


def save(path: Path, answers: dict[str, Answer], *, whole: bool) -> None:
    """Writes one file; without ``whole`` only the first and the last step's logits."""
    content = {}
    for name, answer in answers.items():
        steps = answer.logits if whole else answer.logits[[0, -1]]
        content[f"{name}/logits"] = steps.astype(np.float32)
        rest = {key: value for key, value in vars(answer).items() if key != "logits"}
        content[f"{name}/rest"] = np.frombuffer(json.dumps(rest).encode(), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **content)


def load(path: Path) -> dict[str, Answer]:
    with np.load(path) as content:
        return {
            name: Answer(**json.loads(content[f"{name}/rest"].tobytes()), logits=logits)
            for name, logits in _logits(content)
        }


def _logits(content: "np.lib.npyio.NpzFile") -> Iterator[tuple[str, NDArray[np.float32]]]:
    for key in content.files:
        name, _, part = key.rpartition("/")
        if part == "logits":
            yield name, content[key]
