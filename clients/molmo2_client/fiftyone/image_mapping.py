"""A server's response about one image as FiftyOne labels: all of them fields of the sample."""

import fiftyone as fo

from molmo2_client.fiftyone.fields import FieldNames
from molmo2_client.fiftyone.keypoints import is_in_picture
from molmo2_client.fiftyone.labels import Labels
from molmo2_client.fiftyone.limits import cut
from molmo2_client.fiftyone.vector import to_vector
from molmo2_contract.images import ImagePointingResult, ImageResult, ImagesResponse
from molmo2_contract.results import DescribeResult, EmbedResult, Status


def to_image_labels(response: ImagesResponse, names: FieldNames) -> Labels:
    """The labels of every operation that was answered; an error leaves its fields alone.

    Points become one ``fo.Keypoints``, empty where there are none.
    """
    labels = Labels()
    for result in response.results:
        if result.status is not Status.ERROR:
            labels.clear(names.of(result.operation))
        if result.status in (Status.OK, Status.EMPTY, Status.PARTIAL):
            _fill(labels, names, result)
    return labels


def _fill(labels: Labels, names: FieldNames, result: ImageResult) -> None:
    match result:
        case ImagePointingResult():
            kept = [point for point in result.points if point.image == 1 and is_in_picture(point)]
            labels.values[names.sample("points")] = fo.Keypoints(
                keypoints=[
                    fo.Keypoint(label=point.label, points=[(point.x, point.y)], index=point.id)
                    for point in kept
                ]
            )
            labels.drop(result.operation, len(result.points) - len(kept))
        case DescribeResult():
            labels.values[names.sample("description")] = cut(result.text)
        case EmbedResult():
            vector = labels.values[names.embeddings_field] = to_vector(result.embedding)
            labels.drop(result.operation, int(vector is None))
