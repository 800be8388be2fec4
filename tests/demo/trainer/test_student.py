"""The model over sequences in which several questions share a clip."""

import random

import torch

from molmo2_trainer.batch import make_batch
from molmo2_trainer.questions import ask
from molmo2_trainer.student import attends


@torch.no_grad()
def test_questions_that_share_a_clip_do_not_see_each_other(
    language, student, clip, batch, features
):
    hidden = student.read(batch, features, attends(batch))[0]
    for segment, question in enumerate(ask(random.Random(1), clip), start=1):
        alone = make_batch(language, [clip], [[question]])
        expected = student.read(alone, features, attends(alone))[0][alone.segments[0] == 1]
        torch.testing.assert_close(
            hidden[batch.segments[0] == segment], expected, atol=1e-4, rtol=1e-4
        )


@torch.no_grad()
def test_the_shipped_model_knows_most_of_what_it_is_taught(student, batch, features):
    hidden = student.read(batch, features, attends(batch))
    learnt = batch.labels != -100
    right = student.model.lm_head(hidden[learnt]).argmax(-1) == batch.labels[learnt]
    assert right.float().mean() > 0.6
