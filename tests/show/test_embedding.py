"""The space of features: maps against plain loops, the figure, and what is special to its explorer."""

import warnings

import numpy as np
import pytest
import torch
from show.ledgers import drawn_ledger, forget

from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.errors import InputError
from rrsitr_lib.show.explorers import embedding
from rrsitr_lib.show.explorers.embedding import EmbeddingExplorer
from rrsitr_lib.show.views.embedding import CATEGORY_LOOKS, space_figure
from rrsitr_lib.show.views.space_map import modality_gap, space_map, without_gap
from rrsitr_lib.training.embedding_history import EmbeddingHistory
from rrsitr_lib.training.ledger import PAIRS_FILE, Ledger

EPOCHS, ROWS, PAIRS, WIDTH = 3, 30, 12, 8


def make_history(epochs=EPOCHS, pairs=PAIRS):
    """Two drifting cones of unit vectors; every second row of a table."""
    start, drift = np.random.default_rng(0).normal(size=(2, 2, pairs, WIDTH))
    features = np.stack([start + 0.3 * epoch * drift for epoch in range(epochs + 1)])
    features[:, 0, :, 0] += 2
    features[:, 1, :, 1] += 2
    features = (features / np.linalg.norm(features, axis=-1, keepdims=True)).astype(np.float32)
    return EmbeddingHistory(2 * np.arange(pairs), features[:, 0], features[:, 1])


def make_run(folder, pairs=PAIRS):
    drawn_ledger(folder, EPOCHS, ROWS)
    history = make_history(pairs=pairs)
    (folder / "embeddings").mkdir()
    for epoch in range(EPOCHS + 1):
        page = np.stack([history.image[epoch], history.text[epoch]]).astype(np.float16)
        np.savez(folder / "embeddings" / f"epoch_{epoch:05}.npz", rows=history.rows, features=page)
    return folder


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run")


# --- numbers ---


def test_pca_is_the_eigenvectors_of_a_covariance_counted_in_a_loop():
    history = make_history()
    everything = np.stack([history.image, history.text], axis=1).reshape(-1, WIDTH).astype(np.float64)
    mean = sum(everything) / len(everything)
    covariance = sum(np.outer(point - mean, point - mean) for point in everything) / (len(everything) - 1)
    values, vectors = np.linalg.eigh(covariance)
    expected = (everything - mean) @ vectors[:, ::-1][:, :2]
    found = space_map(history)
    assert found.points.shape == (EPOCHS + 1, 2, PAIRS, 2)
    flat = found.points.reshape(-1, 2)
    np.testing.assert_allclose(flat * np.sign((flat * expected).sum(axis=0)), expected, atol=1e-5)
    assert f"{values[-2:].sum() / values.sum():.0%} of the variance" in found.rule
    np.testing.assert_array_equal(space_map(history).points, found.points)


def test_modality_gap_by_a_loop_and_by_three_mean_cosines():
    history = make_history()
    image, text = history.image[0].astype(np.float64), history.text[0].astype(np.float64)
    mean = [sum(part / np.linalg.norm(part) for part in kind) / len(kind) for kind in (image, text)]
    assert modality_gap(image, text) == pytest.approx(np.linalg.norm(mean[0] - mean[1]))
    assert modality_gap(7 * image, text) == pytest.approx(modality_gap(image, text))
    cosines = [(a @ b.T).mean() for a, b in ((image, image), (text, text), (image, text))]
    assert modality_gap(image, text) ** 2 == pytest.approx(cosines[0] + cosines[1] - 2 * cosines[2], abs=1e-5)
    assert modality_gap(image, image[::-1]) == pytest.approx(0, abs=1e-12)


def test_without_gap_no_epoch_has_one_and_lengths_are_one():
    history = make_history()
    closed = without_gap(history)
    for epoch in range(EPOCHS + 1):
        centred = history.image[epoch] - history.image[epoch].mean(axis=0)
        centred /= np.linalg.norm(centred, axis=1, keepdims=True)
        np.testing.assert_allclose(closed.image[epoch], centred, atol=1e-5)
        assert modality_gap(closed.image[epoch], closed.text[epoch]) < 0.3
        assert modality_gap(history.image[epoch], history.text[epoch]) > 0.5
    np.testing.assert_allclose(np.linalg.norm(closed.text, axis=-1), 1, atol=1e-5)
    single = without_gap(make_history(pairs=1))
    assert np.isfinite(single.image).all(), "one pair has no direction from its own mean"


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_umap_is_seeded_places_every_epoch_is_quiet_and_leaves_torch_its_threads(one_thread):
    history = make_history(pairs=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        first, again, other = (space_map(history, "umap", seed, neighbours=5) for seed in (3, 3, 4))
    assert first.points.shape == (EPOCHS + 1, 2, 20, 2) and np.isfinite(first.points).all()
    np.testing.assert_array_equal(first.points, again.points)
    assert not np.allclose(first.points, other.points)
    assert first.rule == "UMAP, seed 3, 5 neighbours, fitted on epochs 0 and 3"
    assert space_map(history, "umap", 3, 5, fitted=range(EPOCHS + 1)).rule.endswith("fitted on all")
    assert torch.get_num_threads() == 1


def test_umap_between_placed_epochs_walks_straight_lines(monkeypatch):
    fits = []

    class Fake:
        def __init__(self, **_):
            pass

        def fit_transform(self, features):
            return np.asarray(features[:, :2], dtype=float)

        def transform(self, features):
            fits.append(len(features))
            return np.asarray(features[:, :2], dtype=float)

    import umap

    monkeypatch.setattr(umap, "UMAP", Fake)
    history = make_history(epochs=24, pairs=10)
    found = space_map(history, "umap", 3)
    assert "13 of 25 epochs placed, straight lines between" in found.rule and fits == [11 * 20]
    np.testing.assert_allclose(found.points[2, 0], history.image[2, :, :2], atol=1e-6)
    np.testing.assert_allclose(found.points[3], (found.points[2] + found.points[4]) / 2)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: space_map(make_history(), "tsne"), "method is 'tsne': allowed are pca, umap"),
    (lambda: space_map(make_history(pairs=9), "umap"), "umap of 9 pairs .*: allowed are 10 pairs or more"),
    (lambda: space_map(make_history(), "umap", neighbours=1), "1 neighbours"),
    (lambda: space_map(make_history(), "umap", fitted=(0, 4)), r"epochs \[0, 4\].* 0 to 3"),
    (lambda: space_map(make_history(), "umap", fitted=()), r"epochs \[\]"),
    (lambda: modality_gap(np.ones(3), np.ones((2, 3))), r"image \(3,\)"),
    (lambda: modality_gap(np.ones((2, 3)), np.zeros((2, 3))), "zero vector"),
    (lambda: modality_gap(np.ones((0, 3)), np.ones((2, 3))), "not empty"),
    (lambda: space_figure(space_map(make_history()), 0, np.zeros(PAIRS, bool), "some"), "lines is 'some'"),
])  # fmt: skip
def test_what_cannot_be_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()


# --- figure ---


@pytest.mark.parametrize("epoch", range(EPOCHS + 1))
def test_points_and_lines_are_those_of_the_map(epoch):
    space, wrong, keys = space_map(make_history()), np.arange(PAIRS) % 3 == 0, np.arange(PAIRS) * 5
    _, dashed, *points = space_figure(space, epoch, wrong, keys=keys).data
    for modality in (0, 1):
        for kind in (0, 1):
            trace, select = points[3 * modality + kind], wrong == kind
            np.testing.assert_allclose(np.c_[trace.x, trace.y], space.points[epoch, modality, select], atol=5e-4)
            assert list(trace.customdata) == keys[select].tolist()
        assert len(points[3 * modality + 2].x) == 0 and not points[3 * modality + 2].showlegend
    lines = np.c_[dashed.x, dashed.y].reshape(-1, 3, 2)
    np.testing.assert_allclose(lines[:, :2], space.points[epoch][:, wrong].swapaxes(0, 1), atol=5e-4)
    assert np.isnan(lines[:, 2]).all(), "a line ends at its own pair"


@pytest.mark.parametrize(("lines", "counts"), [("all", (8, 4)), ("mismatched only", (0, 4)), ("none", (0, 0))])
def test_lines_on_demand(lines, counts):
    figure = space_figure(space_map(make_history()), 1, np.arange(PAIRS) % 3 == 0, lines)
    assert tuple(len(trace.x) // 3 for trace in figure.data[:2]) == counts


def test_groups_by_category():
    category = np.arange(PAIRS) % 3
    _, _, *points = space_figure(space_map(make_history()), 1, np.zeros(PAIRS, bool), group=category).data
    for group, (name, colour, ending, _) in enumerate(CATEGORY_LOOKS):
        for modality, (symbol, what) in enumerate((("circle", "image"), ("diamond", "caption"))):
            trace = points[3 * modality + group]
            assert (trace.name, trace.marker.color) == (f"{what}: {name}", colour)
            assert trace.marker.symbol == symbol + ending and len(trace.x) == (category == group).sum()


def test_equal_axes_and_a_rule():
    space = space_map(make_history())
    figure = space_figure(space, 0, np.arange(PAIRS) % 3 == 0)
    assert figure.layout.yaxis.scaleanchor == "x"
    assert "before training" in figure.layout.title.text and space.rule in figure.layout.title.text
    assert "after epoch 2" in space_figure(space, 2, np.zeros(PAIRS, bool)).layout.title.text
    ranges = {space_figure(space, epoch, np.zeros(PAIRS, bool)).layout.xaxis.range for epoch in range(EPOCHS + 1)}
    assert len(ranges) == 1, "epochs share one coordinate system"


# --- explorer ---


def test_text_counts_in_all_dimensions(run):
    explorer, history = EmbeddingExplorer(run), EmbeddingExplorer(run).run.embeddings
    wrong = np.arange(ROWS)[history.rows] % 3 == 0
    for epoch in (0, EPOCHS):
        explorer.move(epoch=epoch)
        cosines = np.array([a @ b for a, b in zip(history.image[epoch], history.text[epoch], strict=True)])
        true, mismatched = (f"{cosines[kind].mean():.2f} for {kind.sum()}" for kind in (~wrong, wrong))
        assert f"{true} true pairs and {mismatched} mismatched pairs" in explorer.text.value
        assert f"modality gap is {modality_gap(history.image[epoch], history.text[epoch]):.2f}." in explorer.text.value
    explorer.move(epoch=0, gap="removed", colour="category")
    assert "before it was removed. Categories are those of epoch 1." in explorer.text.value


def test_categories_are_those_of_the_epoch_and_points_know_their_training_row(run):
    explorer = EmbeddingExplorer(run, colour="category")
    record = explorer.run
    keys = np.concatenate([trace.customdata for trace in explorer.figure.data[2:5]])
    assert sorted(keys) == record.embeddings.rows.tolist() and f"pair {keys[0]}" in explorer.card(int(keys[0]))
    for epoch, row in ((0, 0), (1, 0), (EPOCHS, EPOCHS - 1)):
        explorer.move(epoch=epoch)
        category = record.column("category")[row, record.embeddings.rows]
        counts = [len(trace.customdata) for trace in explorer.figure.data[2:5]]
        assert counts == np.bincount(category, minlength=3).tolist()


def test_a_map_is_computed_once_and_only_when_chosen(run, monkeypatch):
    calls = []

    def counted(history, method, seed):
        calls.append(method)
        return space_map(history, "pca", seed)

    monkeypatch.setattr(embedding, "space_map", counted)
    explorer = EmbeddingExplorer(run)
    assert calls == ["pca"]
    for _ in range(2):
        explorer.move(map="umap", epoch=1)
        explorer.move(map="pca", epoch=0)
    assert calls == ["pca", "umap"]
    assert "half a minute" in explorer.widgets["map"].tooltip


def test_without_umap_or_with_few_pairs_only_the_other_map_is_offered(run, tmp_path, monkeypatch):
    few = EmbeddingExplorer(make_run(tmp_path / "few", pairs=5))
    monkeypatch.setattr(embedding, "find_spec", lambda name: None)
    for explorer in (few, EmbeddingExplorer(run)):
        assert [spec.values for spec in explorer.specs if spec.name == "map"] == [("pca",)]
        assert "half a minute" not in explorer.widgets["map"].tooltip


def test_what_a_run_lacks_is_said_not_raised(tmp_path):
    bare = Ledger.create(tmp_path / "bare", np.array([True, False]), {})
    assert "no embeddings" in EmbeddingExplorer(bare).message
    run = make_run(tmp_path / "run")
    (run / "embeddings" / "epoch_00002.npz").unlink()
    explorer = EmbeddingExplorer(run)
    assert "no embeddings" in explorer.message and len(explorer.view().children) == 1


def colours_of(run):
    (colour,) = [spec for spec in EmbeddingExplorer(run).specs if spec.name == "colour"]
    return colour.values


def with_images(run, names):
    captions = [f"caption {row}" for row in range(ROWS)]
    PairTable(names, captions, "train", "drawn").write_csv(run / PAIRS_FILE)
    return run


def test_colours_are_what_a_run_knows(run):
    assert colours_of(run) == ("truth", "category")
    forget(run, "category")
    assert colours_of(run) == ("truth",)
    assert colours_of(with_images(run, [f"port_{row}.png" for row in range(ROWS)])) == ("truth",), "one class is none"
    assert colours_of(with_images(run, [f"{row}.png" for row in range(ROWS)])) == ("truth",)
    classes = [f"{('port', 'pond', 'farm')[row % 3]}_{row}.png" for row in range(ROWS)]
    assert colours_of(with_images(run, classes)) == ("truth", "class")


def test_classes_are_the_pairs_own_the_nearest_and_the_others(run):
    names = np.array([f"{('port', 'pond', 'farm')[row % 3]}_{row}.png" for row in range(ROWS)])
    explorer = EmbeddingExplorer(with_images(run, names.tolist()), colour="class", epoch=2, pair=6)
    image, rows = explorer.run.embeddings.image[2], explorer.run.embeddings.rows
    kinds = np.array([name.split("_")[0] for name in names[rows]])
    means = {kind: image[kinds == kind].mean(axis=0) for kind in ("port", "pond", "farm")}
    cosine = {k: means[k] @ means["port"] / np.linalg.norm(means[k]) for k in ("pond", "farm")}
    near = max(cosine, key=cosine.get)
    own, nearest, others = explorer.figure.data[2:5]
    assert [own.name, nearest.name, others.name] == [
        "image: port, as the pair", f"image: {near}, the nearest class", "image: other classes"
    ]  # fmt: skip
    assert sorted(own.customdata) == rows[kinds == "port"].tolist()
    assert sorted(nearest.customdata) == rows[kinds == near].tolist()
    assert len({trace.marker.symbol for trace in (own, nearest, others)}) == 3, "legible in grey"


def test_cards_are_the_pair_and_the_nearest_other_images(run):
    names = [f"port_{row // 6}.png" for row in range(ROWS)]  # three sampled pairs an image
    explorer = EmbeddingExplorer(with_images(run, names), epoch=1, pair=6)
    image, rows = explorer.run.embeddings.image[1], explorer.run.embeddings.rows
    seen, expected = {6 // 6}, []
    firsts = {row // 6: place for place, row in reversed(list(enumerate(rows)))}
    for place in sorted(firsts.values(), key=lambda place: -image[place] @ image[3]):
        if rows[place] // 6 not in seen:
            expected.append(int(rows[place]))
    assert list(explorer.shown(**explorer.values)) == [6, *expected[:4]]
    assert f"nearest to its own are those of pair {expected[0]}, " in explorer.text.value
    assert all(f"<b>pair {row}</b>" in explorer.cards.value for row in [6, *expected[:4]])
