"""Answers as a person reads them in a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from molmo2_contract.images import ImagePointingResult, ImageResult, ImagesResponse
from molmo2_contract.response import Response
from molmo2_contract.results import (
    Analysis,
    ComprehensiveResult,
    DescribeResult,
    EmbedResult,
    Event,
    PointingResult,
    Result,
    TemporalLocalizationResult,
    TrackingResult,
)

MAX_ROWS = 20
"""Rows of one table; those after them are counted, and are whole in the JSON."""


def print_response(response: Response, console: Console) -> None:
    """A line about the model and the video, then every result with its status."""
    model, video = response.model, response.video
    line = (
        f" {model.version} · {video.width}×{video.height}, {video.duration:.1f} s at"
        f" {video.frame_rate:.4g} fps, {len(video.sampled.frames)} frames sampled"
        f" · {response.timing.total:.2f} s"
    )
    console.print(Text.assemble((model.name, "bold"), line))
    for result in response.results:
        console.print()
        _print_result(result, console)


def print_images_response(response: ImagesResponse, console: Console) -> None:
    """A line about the model and the images, then every result with its status."""
    sizes = ", ".join(f"{image.width}×{image.height}" for image in response.images)
    line = f" {response.model.version} · {sizes} · {response.timing.total:.2f} s"
    console.print(Text.assemble((response.model.name, "bold"), line))
    for result in response.results:
        console.print()
        _print_result(result, console)


def _print_result(result: Result | ImageResult, console: Console) -> None:
    why = result.error.message if result.error else result.reason
    status = f" {result.status}: {why}" if why else f" {result.status}"
    console.print(Text.assemble((result.operation, "bold"), status))
    match result:
        case PointingResult():
            places = [(p.time, p.frame, p.x, p.y, p.label) for p in result.points]
            _print_rows(console, ("time", "frame", "x", "y", "label"), places)
        case ImagePointingResult():
            marks = [(p.image, p.x, p.y, p.label) for p in result.points]
            _print_rows(console, ("image", "x", "y", "label"), marks)
        case TrackingResult():
            steps = [
                (p.time, p.frame, track.id, p.x, p.y, track.label)
                for track in result.tracks
                for p in track.points
            ]
            _print_rows(console, ("time", "frame", "track", "x", "y", "label"), sorted(steps))
        case DescribeResult():
            _print_text(console, result.text)
        case TemporalLocalizationResult():
            _print_events(console, "event", result.events)
        case ComprehensiveResult():
            _print_analysis(console, result.analysis or Analysis())
        case EmbedResult():
            _print_text(console, f"{result.pooling} of {len(result.embedding)} dimensions")


def _print_analysis(console: Console, analysis: Analysis) -> None:
    _print_text(console, analysis.summary)
    _print_events(console, "event", analysis.events)
    _print_events(console, "object", analysis.objects)
    _print_events(console, "text", analysis.text_content)
    scene, activities = analysis.scene_info, analysis.activities
    seen = (scene.setting, scene.time_of_day, scene.location_type, activities.primary_activity)
    words = [word for word in (*seen, *activities.secondary_activities) if word]
    _print_text(console, ", ".join(words))


def _print_events(console: Console, name: str, events: list[Event]) -> None:
    rows = [(event.start, event.end, event.description) for event in events]
    _print_rows(console, ("start", "end", name), rows)


def _print_rows(
    console: Console, names: tuple[str, ...], rows: Sequence[tuple[object, ...]]
) -> None:
    if not rows:
        return
    table = Table(*names)
    for row in rows[:MAX_ROWS]:
        table.add_row(*(_cell(value) for value in row))
    console.print(table)
    if len(rows) > MAX_ROWS:
        _print_text(console, f"and {len(rows) - MAX_ROWS} more; --json prints them all")


def _cell(value: object) -> Text:
    written = f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return Text(written)


def _print_text(console: Console, text: str | None) -> None:
    """As it is: what a model writes may look like markup."""
    if text:
        console.print(Text(text))
