"""Frames drawn for training are those that a server would see."""

import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from molmo2_demo.render import render_frame
from molmo2_trainer.clip import draw_clip
from molmo2_trainer.drawing import draw
from molmo2_trainer.scenes import Scenes


@pytest.mark.parametrize("seed", range(4))
def test_frames_are_those_of_the_videos_up_to_compression(seed):
    clip = draw_clip(random.Random(seed), 2.0, 2)
    drawn = draw(Scenes.of([clip]), 168)
    width, height = clip.video_format.width, clip.video_format.height
    for place, shown in enumerate(clip.shown):
        frame = torch.from_numpy(render_frame(clip.scene, shown, width, height).astype(np.float32))
        expected = F.interpolate(frame.permute(2, 0, 1)[None], (168, 168), mode="bilinear")[0]
        off = (drawn[place].permute(2, 0, 1).float() - expected).abs()
        assert off.mean() < 2
        assert (off > 25).float().mean() < 0.005  # the soft edges


def test_a_single_frame_of_a_clip_is_the_same_frame():
    clip = draw_clip(random.Random(1), 3.0, 3)
    whole, one = Scenes.of([clip]), Scenes.of([clip], [[4]])
    off = draw(whole, 168)[4].float() - draw(one, 168)[0].float()
    assert off.abs().mean() < 3  # noise differs
