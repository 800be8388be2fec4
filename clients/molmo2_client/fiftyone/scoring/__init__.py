"""Labels against ground truth, by the measures of Molmo2's own evaluation.

The definitions are those of ``olmo/eval`` in github.com/allenai/molmo2.
"""

from molmo2_client.fiftyone.scoring.dataset import Scores, score_dataset

__all__ = ["Scores", "score_dataset"]
