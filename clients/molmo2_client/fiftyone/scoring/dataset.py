"""The scores of a labelled dataset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import numpy as np

from molmo2_client.fiftyone.record import ANSWERED
from molmo2_client.fiftyone.scoring.fields import Compared, fields_to_compare
from molmo2_client.fiftyone.scoring.hits import Rates, mean_rates, score_frames
from molmo2_client.fiftyone.scoring.identities import Hota, score_tracks
from molmo2_client.fiftyone.scoring.labels import (
    answers_of,
    by_identity,
    sampled_frames,
    spans_of,
    truth_of,
)
from molmo2_client.fiftyone.scoring.pointing import score_points
from molmo2_client.fiftyone.scoring.spans import score_spans

REACH = 0.05
LEAST_OVERLAP = 0.5


@dataclass(frozen=True)
class Scores:
    """Means over the videos; None where no field was named. Counting comes with pointing.

    ``unanswered``: videos whose run record has no answer to what is compared, be it an error or
    never asked; they count as answered with nothing. ``count_exact``: the share of videos with as
    many points as objects; ``count_close``: with one more or less at most.
    """

    samples: int
    unanswered: int
    points: Rates | None = None
    count_exact: float | None = None
    count_close: float | None = None
    tracks: Rates | None = None
    hota: Hota | None = None
    events: Rates | None = None


def score_dataset(
    samples: Any,
    *,
    label_field: str = "molmo2",
    points: str | None = None,
    tracks: str | None = None,
    events: str | None = None,
    reach: float = REACH,
    least_overlap: float = LEAST_OVERLAP,
) -> Scores:
    """Compares what ``label_dataset`` wrote with ground truth.

    Args:
        samples: a dataset of videos, or a view.
        label_field: that of ``label_dataset``.
        points: the true objects of each frame, as ``frames.FIELD`` of ``fo.Detections`` (a point
            must lie in the mask, or in the box) or ``fo.Keypoints``.
        tracks: the same with an identity: ``instance`` or ``index``. Only frames that the server
            sampled are compared, so the truth may be denser.
        events: ``fo.TemporalDetections``.
        reach: how far, in fractions of the frame, a point may lie from a true keypoint.
        least_overlap: intersection over union from which an event counts as found.

    Raises:
        ValueError: if a field is missing or of another type, or none is named.
    """
    named = {"points": points, "tracks": tracks, "events": events}
    fields = fields_to_compare(samples, label_field, named)
    table = [
        _score_sample(sample, fields, label_field, reach, least_overlap)
        for sample in samples.iter_samples(autosave=False)
    ]
    return _summarise(table)


def _score_sample(
    sample: fo.Sample,
    fields: Sequence[Compared],
    label_field: str,
    reach: float,
    least_overlap: float,
) -> dict[str, Any]:
    scores: dict[str, Any] = {"unanswered": _is_unanswered(sample, fields, label_field)}
    for each in fields:
        match each.kind:
            case "points":
                points = [
                    (frame, place)
                    for frame, places in answers_of(sample, each.answers).items()
                    for place in places.values()
                ]
                objects = by_identity(truth_of(sample, each.truth, reach))
                scores["points"] = score_points(points, objects)
                scores["miscount"] = abs(len(points) - len(objects))
            case "tracks":
                shown = sampled_frames(sample, label_field)
                truth = truth_of(sample, each.truth, reach, shown)
                tracks = answers_of(sample, each.answers)
                scores["tracks"] = score_frames(_values(tracks), _values(truth))
                scores["hota"] = score_tracks(tracks, truth)
            case "events":
                answered, true = (spans_of(sample[name]) for name in (each.answers, each.truth))
                scores["events"] = score_spans(answered, true, least_overlap)
    return scores


def _is_unanswered(sample: fo.Sample, fields: Sequence[Compared], label_field: str) -> bool:
    run = sample[f"{label_field}_run"] if sample.has_field(f"{label_field}_run") else None
    outcomes = [getattr(run, each.operation, None) for each in fields]
    return any(outcome is None or outcome.status not in ANSWERED for outcome in outcomes)


def _summarise(table: list[dict[str, Any]]) -> Scores:
    def column(name: str) -> list[Any]:
        return [row[name] for row in table if name in row]

    miscounts = column("miscount")
    hota = [(each.hota, each.detection, each.association) for each in column("hota")]
    return Scores(
        samples=len(table),
        unanswered=sum(column("unanswered")),
        points=mean_rates(column("points")),
        count_exact=float(np.mean([miss == 0 for miss in miscounts])) if miscounts else None,
        count_close=float(np.mean([miss <= 1 for miss in miscounts])) if miscounts else None,
        tracks=mean_rates(column("tracks")),
        hota=Hota(*(float(mean) for mean in np.mean(hota, axis=0))) if hota else None,
        events=mean_rates(column("events")),
    )


def _values(by_frame: Mapping[int, Mapping[str, Any]]) -> dict[int, list[Any]]:
    return {frame: list(each.values()) for frame, each in by_frame.items()}
