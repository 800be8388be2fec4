"""Labels against ground truth, by the measures of Molmo2's own evaluation.

Points, counts and tracks are scored by the definitions of ``olmo/eval`` in
github.com/allenai/molmo2 (docs/quality.md says where they differ); events have none there.
"""

from molmo2_client.fiftyone.scoring.dataset import Scores, score_dataset

__all__ = ["Scores", "score_dataset"]
