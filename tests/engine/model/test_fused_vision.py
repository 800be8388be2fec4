"""The fused vision encoder does what transformers' does, on the same weights."""

import copy

import pytest
import torch

from molmo2_engine.model.fused_vision import FusedVision
from molmo2_engine.model.vision import encode_frames
from molmo2_engine.model.vision_encoder import TransformersVision


@pytest.fixture(scope="module")
def model(checkpoint, device):
    return copy.deepcopy(checkpoint.model).to(device)


@pytest.mark.parametrize("read", [[2, 0], [-1, 1], [1, 0]])
@torch.inference_mode()
def test_features_are_equal(model, layout, video, read, monkeypatch):
    monkeypatch.setattr(model.model.multi_modal_projector.config, "vision_feature_layer", read)
    frames = video(6, 5).frames
    expected, features = (
        encode_frames(encoder(model), layout.frame_format, frames, 2)
        for encoder in (TransformersVision, FusedVision)
    )
    torch.testing.assert_close(features, expected, atol=1e-6, rtol=1e-5)
    assert features.std() > 0.001
