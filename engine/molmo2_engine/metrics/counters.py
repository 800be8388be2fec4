"""What is counted and measured as it happens."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from molmo2_engine.client.canary import CANARY
from molmo2_engine.loop.job import Embedded, Failed, Finished, Job, Sequence

_STEP = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
_WAIT = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Counters:
    """Counters and histograms of one engine; every name starts with molmo2_engine_.

    What the server asks itself (``client/canary.py``) is in those of tokens and passes only.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"molmo2_engine_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"molmo2_engine_{name}", text, buckets=buckets, registry=registry)

        self._lookups = counter(
            "prefix_lookups", "Requests, by whether their prefix was held", "result"
        )
        self._read = counter("prefilled_tokens", "Tokens read: of media, and of text", "kind")
        self._written = counter("generated_tokens", "Tokens written")
        self._operations = counter("operations", "Operations that ended, by how", "outcome")
        self._step = histogram("step_seconds", "Passes of the model for running sequences", _STEP)
        self._media = histogram("media_prefill_seconds", "Encoding and prefill of media", _WAIT)
        self._first_token = histogram(
            "time_to_first_token_seconds",
            "From arrival to the first token of an operation; told when it comes",
            _WAIT,
        )
        self._queue = histogram(
            "queue_seconds", "Waiting for prefix, place and pages; told when it is over", _WAIT
        )

    def opened(self, job: Job) -> None:
        """A job has its prefix: held, or prefilled just now."""
        if job.media_seconds:
            self._read.labels("media").inc(job.prefix_tokens)
            self._media.observe(job.media_seconds)
        if job.request_id != CANARY:
            self._lookups.labels("miss" if job.media_seconds else "hit").inc()

    def started(self, sequence: Sequence) -> None:
        """A sequence runs for the first time."""
        if sequence.job.request_id != CANARY:
            self._queue.observe(sequence.queued)

    def first_token(self, sequence: Sequence) -> None:
        """A sequence has its first token."""
        if sequence.job.request_id != CANARY:
            self._first_token.observe(sequence.first_token - sequence.job.submitted)

    def extended(self, read: int, seconds: float) -> None:
        """A pass of the model read ``read`` tokens of its sequences."""
        self._read.labels("text").inc(read)
        self._step.observe(seconds)

    def wrote(self, tokens: int) -> None:
        """A sequence has become longer."""
        self._written.inc(tokens)

    def closed(self, job: Job, event: Finished | Embedded | Failed) -> None:
        """An operation has ended."""
        if job.request_id == CANARY:
            return
        match event:
            case Finished():
                self._operations.labels("truncated" if event.truncated else "finished").inc()
            case Embedded():
                self._operations.labels("embedded").inc()
                self._queue.observe(event.queued)
            case Failed():
                self._operations.labels(event.error.kind.value).inc()

    def cancelled(self, job: Job) -> None:
        """Nobody waits for what is left of a job."""
        if job.request_id != CANARY:
            self._operations.labels("cancelled").inc(job.open_operations)
