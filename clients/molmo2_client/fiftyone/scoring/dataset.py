"""The scores of a labelled dataset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import numpy as np

from molmo2_client.fiftyone.record import ANSWERED
from molmo2_client.fiftyone.scoring.counts import Counts, score_counts, stated_count
from molmo2_client.fiftyone.scoring.fields import Compared, fields_to_compare
from molmo2_client.fiftyone.scoring.hits import Rates, mean_rates, score_frames
from molmo2_client.fiftyone.scoring.identities import Hota, score_tracks
from molmo2_client.fiftyone.scoring.labels import (
    Footage,
    answers_of,
    pointed_objects,
    spans_of,
    tracked_objects,
)
from molmo2_client.fiftyone.scoring.pointing import score_points
from molmo2_client.fiftyone.scoring.spans import score_spans

REACH = 0.05
LEAST_OVERLAP = 0.5


@dataclass(frozen=True)
class Scores:
    """Means over the videos; None where no field was named.

    ``unanswered``: videos whose run record has no answer to what is compared, be it an error or
    never asked; they count as answered with nothing. ``point_counts``: as many points as objects;
    ``counts``: the number that a description states.
    """

    samples: int
    unanswered: int
    points: Rates | None = None
    point_counts: Counts | None = None
    counts: Counts | None = None
    tracks: Rates | None = None
    hota: Hota | None = None
    events: Rates | None = None


def score_dataset(
    samples: Any,
    *,
    label_field: str = "molmo2",
    points: str | None = None,
    counts: str | None = None,
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
            must lie in the mask, or in the box) or ``fo.Keypoints`` of one point each. Labels with
            the same ``instance`` or ``index`` are one object; one with neither is an object too.
        counts: whole numbers, for what ``describe`` was asked to count.
        tracks: as ``points``, each with an ``instance`` or ``index``. Only frames that the server
            sampled are compared, so the truth may be denser.
        events: ``fo.TemporalDetections``.
        reach: how far, in fractions of the frame, a point may lie from a true keypoint.
        least_overlap: intersection over union from which an event counts as found.

    Raises:
        ValueError: if a field is missing or of another type, none is named, or a label of
            ``tracks`` has no identity.
    """
    named = {"points": points, "counts": counts, "tracks": tracks, "events": events}
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
    footage = Footage.of(sample, label_field)
    scores: dict[str, Any] = {"unanswered": _is_unanswered(sample, fields, label_field)}
    for each in fields:
        match each.kind:
            case "points":
                answered = answers_of(sample, each.answers)
                points = [(frame, place) for frame in answered for _, place in answered[frame]]
                objects = pointed_objects(sample, each.truth, reach)
                scores["points"] = score_points(points, objects, footage.frame_count)
                scores["point_counts"] = len(points), len(objects)
            case "counts":
                if (true := sample[each.truth]) is not None:
                    scores["counts"] = stated_count(sample[each.answers]), true
            case "tracks":
                truth = tracked_objects(sample, each.truth, reach, footage.sampled)
                tracks = answers_of(sample, each.answers)
                scores["tracks"] = score_frames(_values(tracks), _values(truth), footage.aspect)
                scores["hota"] = score_tracks(tracks, truth)
            case "events":
                found, true = (spans_of(sample[name]) for name in (each.answers, each.truth))
                scores["events"] = score_spans(found, true, least_overlap)
    return scores


def _is_unanswered(sample: fo.Sample, fields: Sequence[Compared], label_field: str) -> bool:
    run = sample[f"{label_field}_run"] if sample.has_field(f"{label_field}_run") else None
    outcomes = [getattr(run, each.operation, None) for each in fields]
    return any(outcome is None or outcome.status not in ANSWERED for outcome in outcomes)


def _summarise(table: list[dict[str, Any]]) -> Scores:
    def column(name: str) -> list[Any]:
        return [row[name] for row in table if name in row]

    hota = [(each.hota, each.detection, each.association) for each in column("hota")]
    return Scores(
        samples=len(table),
        unanswered=sum(column("unanswered")),
        points=mean_rates(column("points")),
        point_counts=score_counts(column("point_counts")),
        counts=score_counts(column("counts")),
        tracks=mean_rates(column("tracks")),
        hota=Hota(*(float(mean) for mean in np.mean(hota, axis=0))) if hota else None,
        events=mean_rates(column("events")),
    )


def _values(named: Mapping[int, Sequence[tuple[str, Any]]]) -> dict[int, list[Any]]:
    return {frame: [value for _, value in each] for frame, each in named.items()}
