"""A streamed answer: its progress shown while it comes, and the response it adds up to."""

from collections.abc import Iterable

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from molmo2_client.errors import ProtocolError
from molmo2_contract import events
from molmo2_contract.response import Response
from molmo2_contract.results import Result

SHOWN_POINTS = 5
"""Points of an operation that are shown while it runs: those that came last."""


def follow(stream: Iterable[events.Event], names: list[str], console: Console) -> Response:
    """Shows each operation (``names``) and its points until ``stream`` is done, in a terminal.

    Raises:
        Molmo2Error: whatever the stream raises.
        ProtocolError: the stream ended without a result for every operation.
    """
    results: dict[int, Result] = {}
    with _lines(console) as lines:
        tasks = [lines.add_task(name, total=1, said="waiting") for name in names]
        points: list[list[events.ProgressPoint]] = [[] for _ in names]
        for event in stream:
            match event:
                case events.Progress(index=index) | events.OperationDone(index=index) if (
                    index >= len(names)
                ):
                    raise ProtocolError(f"an event of operation {index}, and {len(names)} asked")
                case events.Progress(index=index):
                    points[index] += event.points
                    said = _said(event.generated_tokens, points[index])
                    lines.update(tasks[index], said=said, refresh=True)
                case events.OperationDone(index=index, result=result):
                    results[index] = result
                    lines.update(tasks[index], said=result.status.value, completed=1)
                case events.Done():
                    return _response(event, results, len(names))
    raise ProtocolError("the stream ended before its last event; ask again")


def _lines(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.fields[said]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _said(tokens: int, points: list[events.ProgressPoint]) -> str:
    """How much came until now, and the points that came last."""
    if not points:
        return f"{tokens} tokens"
    last = [f"#{p.id} at {p.time:g} s ({p.x:.3f}, {p.y:.3f})" for p in points[-SHOWN_POINTS:]]
    return "\n".join([f"{tokens} tokens, {len(points)} points", *last])


def _response(done: events.Done, results: dict[int, Result], count: int) -> Response:
    if sorted(results) != list(range(count)):
        raise ProtocolError(f"the stream gave results {sorted(results)} for {count} operations")
    return Response(
        model=done.model,
        video=done.video,
        results=[results[index] for index in range(count)],
        timing=done.timing,
        request_id=done.request_id,
    )
