"""What queries have seen of some keys, so that more keys can be added to it later."""

from typing import NamedTuple

import torch


class Attended(NamedTuple):
    """A softmax over some keys, and its weight against a softmax over others."""

    output: torch.Tensor
    """[heads, queries, head size]."""
    log_sum_exp: torch.Tensor
    """Of the scaled scores, natural logarithm: float32 [heads, queries]."""


def merge(one: Attended, other: Attended) -> torch.Tensor:
    """The softmax over the keys of both, [heads, queries, head size].

    ``exp(log_sum_exp)`` is the sum that a softmax divides by, so each side counts by its share of
    the two sums (https://arxiv.org/abs/2205.14135, section 3.1).
    """
    share = torch.sigmoid(one.log_sum_exp - other.log_sum_exp)[..., None]
    return (share * one.output + (1 - share) * other.output).to(one.output.dtype)
