"""The embedding history: which rows, normalised features, snapshots whole or absent."""

import numpy as np
import pytest
import torch
from torch import nn

from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.errors import InputError
from rrsitr_lib.model.similarity import Features
from rrsitr_lib.training.batches import InMemory, SplitInputs
from rrsitr_lib.training.embedding_history import SAMPLE, EmbeddingHistory, sampled_rows, write_snapshot

IMAGES, WIDTH, SEED = 30, 6, 3


class FakeModel(nn.Module):
    """Two towers that are one matrix each; it must be in evaluation mode when asked."""

    def __init__(self, seed=0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.towers = nn.ParameterList(torch.randn(WIDTH, WIDTH, generator=generator) for _ in range(2))

    def image(self, pixels):
        assert not self.training
        return Features(pixels @ self.towers[0], None)

    def text(self, words):
        assert not self.training
        return Features(words @ self.towers[1], None)


@pytest.fixture
def inputs():
    generator = np.random.default_rng(3)
    names = [f"{image}.png" for image in generator.integers(0, IMAGES, 150)]
    table = PairTable(names, [f"a lake {row} ." for row in range(150)], "train", "memory")
    images, captions = generator.normal(size=(len(table.images), WIDTH)), generator.normal(size=(150, WIDTH))
    return SplitInputs(table, InMemory(torch.tensor(images).float()), InMemory(torch.tensor(captions).float()))


# --- which rows ---


@pytest.mark.parametrize("images", [1, 40, SAMPLE, 3 * SAMPLE])
def test_rows_are_of_different_images_ascending_and_deterministic(images):
    image_of_row = np.random.default_rng(0).permutation(np.append(np.repeat(np.arange(images), 5), 0))
    rows = sampled_rows(image_of_row, seed=3)
    assert len(rows) == min(images, SAMPLE)
    assert len(np.unique(image_of_row[rows])) == len(rows)
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(rows, sampled_rows(image_of_row, seed=3))
    if images > 1:
        assert not np.array_equal(rows, sampled_rows(image_of_row, seed=4))


def test_rows_are_a_fair_sample():
    image_of_row = np.repeat(np.arange(3 * SAMPLE), 5)
    rows = sampled_rows(image_of_row, seed=3)
    assert set(rows % 5) == set(range(5)), "not always the first caption of an image"
    assert abs(image_of_row[rows].mean() / (3 * SAMPLE) - 0.5) < 0.1, "not the first images only"


# --- snapshots ---


def test_a_snapshot_holds_normalised_features_of_the_captions_as_trained(inputs, tmp_path):
    model, caption_index = FakeModel(), np.random.default_rng(0).permutation(150)
    for epoch in (0, 1):
        write_snapshot(tmp_path, epoch, model.train(), inputs, caption_index, SEED)
    history = EmbeddingHistory.open(tmp_path, epochs=1)
    np.testing.assert_array_equal(history.rows, sampled_rows(inputs.image_of_row, SEED))
    assert history.image.shape == history.text.shape == (2, len(history.rows), WIDTH)
    assert history.image.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm([history.image, history.text], axis=-1), 1, atol=2e-3)
    for k, row in enumerate(history.rows):
        pixels = inputs.images.tensor[inputs.image_of_row[row]] @ model.towers[0]
        words = inputs.captions.tensor[caption_index[row]] @ model.towers[1]
        for found, wanted in ((history.image[1, k], pixels), (history.text[1, k], words)):
            np.testing.assert_allclose(found, (wanted / wanted.norm()).detach(), atol=2e-3)


def test_a_missing_snapshot_means_no_history(inputs, tmp_path):
    assert EmbeddingHistory.open(tmp_path, epochs=0) is None
    first = write_snapshot(tmp_path, 0, FakeModel(), inputs, np.arange(150), SEED)
    assert EmbeddingHistory.open(tmp_path, epochs=0) is not None and EmbeddingHistory.open(tmp_path, epochs=1) is None
    write_snapshot(tmp_path, 1, FakeModel(), inputs, np.arange(150), SEED)
    assert len(EmbeddingHistory.open(tmp_path, epochs=1).image) == 2
    first.unlink()
    assert EmbeddingHistory.open(tmp_path, epochs=1) is None


def test_a_snapshot_is_whole_or_absent(inputs, tmp_path, monkeypatch):
    write_snapshot(tmp_path, 0, FakeModel(), inputs, np.arange(150), SEED)

    def cut(file, **_):
        file.write(b"PK")
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez_compressed", cut)
        with pytest.raises(Exception, match="the disk is full"):
            write_snapshot(tmp_path, 1, FakeModel(), inputs, np.arange(150), SEED)
    assert [path.name for path in (tmp_path / "embeddings").iterdir()] == ["epoch_00000.npz"]


@pytest.mark.parametrize("left", [0, 60])
def test_a_damaged_snapshot_is_named(inputs, tmp_path, left):
    path = write_snapshot(tmp_path, 0, FakeModel(), inputs, np.arange(150), SEED)
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(InputError, match=r"epoch_00000\.npz: not a snapshot of features, or damaged"):
        EmbeddingHistory.open(tmp_path, epochs=0)
