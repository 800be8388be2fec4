"""A checkpoint over two devices; here both are the CPU."""

import copy

import pytest
import torch

from molmo2_engine.model import checkpoint as checkpoints
from molmo2_engine.model.loading import layer_devices
from molmo2_engine.model.loading.placement import DoesNotFit, Placement, without_weights
from molmo2_engine.model.optional_packages import MissingPackage, require

CPU = torch.device("cpu")


def size(model):
    return sum(weight.nbytes for weight in model.parameters())


@pytest.fixture(scope="module")
def place(checkpoint):
    """What goes where when the two have so much memory, in parts of the weights' size."""
    config = copy.deepcopy(checkpoint.model.config)
    config.text_config.num_hidden_layers = 12

    def place(first, second):
        with without_weights():
            model = type(checkpoint.model)(config)
        whole = size(model)
        return Placement(model, [(CPU, int(first * whole)), (CPU, int(second * whole))]).numbers

    return place


def layers_on(found, number):
    named = "model.language_model.layers."
    return [name for name, place in found.items() if place == number and name.startswith(named)]


def test_each_gets_whole_layers_and_its_part_of_the_weights(place):
    found = place(2, 2)
    assert 5 <= len(layers_on(found, 0)) <= 8
    assert len(layers_on(found, 0)) + len(layers_on(found, 1)) == 12
    assert not any("self_attn" in name for name in found)


def test_a_larger_device_gets_more(place):
    even, uneven = place(2, 2), place(3, 2)
    assert len(layers_on(uneven, 0)) > len(layers_on(even, 0))


def test_what_does_not_fit_is_refused(place):
    with pytest.raises(DoesNotFit, match=r"2 devices.*Raise gpus_per_engine"):
        place(0.4, 0.3)


def test_the_weights_are_the_same_wherever_they_are(checkpoint):
    whole = size(checkpoint.model)
    split = checkpoints.load(
        str(checkpoint.folder),
        None,
        "cpu",
        "float32",
        spread=[(CPU, 2 * whole), (CPU, 2 * whole)],
    )
    ours, theirs = dict(split.model.named_parameters()), checkpoint.model.state_dict()
    assert ours.keys() == {name for name, _ in checkpoint.model.named_parameters()}
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert len(layer_devices(split.model)) == len(layer_devices(checkpoint.model))


def test_a_package_that_is_missing_is_named_with_its_extra():
    with pytest.raises(MissingPackage, match=r"gpus_per_engine.*torchserve\[split\]"):
        require("no_such_package", extra="split", wanted_by="gpus_per_engine")
