"""``embed_dataset`` and what it shares with ``label_dataset``."""

import numpy as np
import pytest

from molmo2_client.fiftyone import embed_dataset
from molmo2_contract.operations import Embed, Pooling


def embed(view, client, **settings):
    return embed_dataset(view, client=client, progress=False, **settings)


def test_every_video_has_a_vector(make_dataset, answerer):
    dataset = make_dataset(3)

    summary = embed(dataset, answerer, embeddings_field="vector", pooling="max")

    assert (summary.samples, summary.labelled) == (3, 3)
    assert [asked for _, asked in answerer.requests] == [[Embed(pooling=Pooling.MAX)]] * 3
    assert np.vstack(dataset.values("vector")).dtype == np.float32
    assert dataset.values("vector_run.embed.pooling") == ["max"] * 3


def test_a_second_call_embeds_what_has_no_vector(make_dataset, answerer):
    dataset = make_dataset(3)
    embed(dataset.limit(1), answerer)

    summary = embed(dataset, answerer)

    assert (summary.finished, len(answerer.requests)) == (1, 3)


def test_each_embeddings_field_is_a_run_of_its_own(make_dataset, answerer):
    dataset = make_dataset(2)
    embed(dataset, answerer, embeddings_field="a")
    embed(dataset.limit(1), answerer, embeddings_field="b", pooling="max")

    summary = embed(dataset, answerer, embeddings_field="b", pooling="max")

    assert summary.finished == 1
    assert len(dataset.exists("b")) == 2


def test_an_unknown_pooling_is_refused_before_anything_is_asked(make_dataset, answerer):
    with pytest.raises(ValueError, match="median"):
        embed(make_dataset(1), answerer, pooling="median")

    assert answerer.requests == []
