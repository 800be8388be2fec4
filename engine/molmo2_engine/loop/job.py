"""One request inside the engine, its sequences, and the events that answer it."""

import queue
import time
from dataclasses import dataclass, field

import torch

from molmo2_contract.errors import Molmo2Error
from molmo2_engine.generation.grammar import Constraint
from molmo2_engine.generation.sampling import Sampler, SamplingParameters
from molmo2_engine.kv.prefix import Prefix
from molmo2_engine.kv.table import PageTable
from molmo2_engine.prompt.media import Media


@dataclass(frozen=True)
class Generate:
    """An operation that writes text: its question as token ids."""

    question: list[int]
    parameters: SamplingParameters
    constraint: Constraint | None = None
    """What holds the answer to a grammar."""


@dataclass(frozen=True)
class Embed:
    """An operation that pools the media's hidden states."""

    pooling: str
    per_frame: bool = False


@dataclass(frozen=True)
class Refuse:
    """An operation that can never be done; the others of its job can."""

    error: Molmo2Error


@dataclass(frozen=True)
class Opened:
    """The prefix is there; it was made from these frames."""

    frame_numbers: tuple[int, ...]


@dataclass(frozen=True)
class Progressed:
    index: int
    tokens: list[int]


@dataclass(frozen=True)
class Finished:
    """``truncated``: a token limit ended the answer. ``cached_tokens`` were prefilled before."""

    index: int
    tokens: list[int]
    truncated: bool
    prompt_tokens: int
    cached_tokens: int
    queued: float
    prefill: float
    decode: float


@dataclass(frozen=True)
class Embedded:
    index: int
    vector: torch.Tensor
    frame_vectors: torch.Tensor | None
    """[frames, dimension], if asked for."""
    prompt_tokens: int
    cached_tokens: int
    queued: float
    prefill: float


@dataclass(frozen=True)
class Failed:
    index: int
    error: Molmo2Error


@dataclass(frozen=True)
class Cancelled:
    """Nobody listens any more."""


Event = Opened | Progressed | Finished | Embedded | Failed | Cancelled


@dataclass(eq=False)
class Job:
    """A request: one video or set of images, several operations."""

    key: bytes
    prefix_tokens: int
    operations: list[Generate | Embed | Refuse]
    media: Media | None
    """None if it came without frames or pixels, and once the prefix is there."""
    prefix: Prefix | None = None
    progress: bool = False
    request_id: str = ""
    """For the log."""
    events: "queue.SimpleQueue[Event]" = field(default_factory=queue.SimpleQueue)
    cancelled: bool = False
    open_operations: int = 0
    submitted: float = field(default_factory=time.monotonic)
    media_seconds: float = 0.0
    """What the prefill of its media took; 0 if the prefix was held."""

    def __post_init__(self) -> None:
        self.open_operations = len(self.operations)

    def waited(self) -> float:
        """Seconds since it was submitted."""
        return time.monotonic() - self.submitted

    def cancel(self) -> None:
        """Ends the job's work within one step. Safe to call from any thread, also when over."""
        self.cancelled = True
        self.events.put(Cancelled())

    def cached_tokens(self, index: int) -> int:
        """Prompt tokens that an operation found prefilled; the first one pays for new media."""
        return 0 if index == 0 and self.media_seconds else self.prefix_tokens

    def close_operation(self, event: Finished | Embedded | Failed) -> None:
        self.open_operations -= 1
        self.events.put(event)


@dataclass(eq=False)
class Sequence:
    """An operation that generates."""

    job: Job
    index: int
    question: list[int]
    sampler: Sampler
    max_new_tokens: int
    constraint: Constraint | None = None
    tokens: list[int] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)
    """Tokens whose keys and values are still to be computed: first the question."""
    table: PageTable | None = None
    """Its pages while it runs."""
    started: float = 0.0
    first_token: float = 0.0

    def __post_init__(self) -> None:
        self.unread = self.question.copy()

    @property
    def queued(self) -> float:
        """Seconds that it waited until it ran; the prefill of its media is not among them."""
        return self.started - self.job.submitted - self.job.media_seconds

    @property
    def begun(self) -> bool:
        """Whether it has read its question, or once more what it read before a pause."""
        return self.table.tokens > self.job.prefix_tokens

    @property
    def complete(self) -> bool:
        """Whether its grammar leaves nothing more to write."""
        return self.constraint is not None and self.constraint.complete

    def take(self, token: int) -> list[int]:
        """The token that was picked, and those that its grammar leaves no choice about.

        Raises:
            GrammarFailed: if the grammar cannot be followed further.
        """
        return [token] if self.constraint is None else [token, *self.constraint.take(token)]

    def finished(self, *, truncated: bool) -> Finished:
        now = time.monotonic()
        return Finished(
            index=self.index,
            tokens=self.tokens,
            truncated=truncated,
            prompt_tokens=self.job.prefix_tokens + len(self.question),
            cached_tokens=self.job.cached_tokens(self.index),
            queued=self.queued,
            prefill=self.first_token - self.started + self.job.media_seconds,
            decode=now - self.first_token,
        )
