"""The space of features as numbers: both modalities on one map, and how far they lie apart."""

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.interpolate import interp1d

from rrsitr_lib.errors import InputError
from rrsitr_lib.training.embedding_history import EmbeddingHistory

METHODS = ("pca", "umap")
NEIGHBOURS, SMALLEST_UMAP, MOST_PLACED = 15, 10, 12


@dataclass(frozen=True)
class SpaceMap:
    """Every sampled pair as two points in two dimensions, all epochs in one coordinate system.

    **Shape** ``points`` (epochs + 1, 2, n, 2): epoch (0 is before training), image or caption, pair, coordinate;
    coordinates have no unit. ``rule`` says in a sentence how they came about.
    """

    points: np.ndarray
    method: str
    rule: str

    @property
    def frame(self) -> np.ndarray:
        """Lowest and highest coordinates over all epochs with a small border, (2, 2)."""
        low, high = self.points.min(axis=(0, 1, 2)), self.points.max(axis=(0, 1, 2))
        border = 0.05 * max(float((high - low).max()), 1e-6)
        return np.stack([low - border, high + border])


def space_map(
    embeddings: EmbeddingHistory,
    method: str = "pca",
    seed: int = 0,
    neighbours: int = NEIGHBOURS,
    fitted: Sequence[int] | None = None,
) -> SpaceMap:
    """Place all epochs on one map. ``pca`` is exact and instant; ``umap`` is seeded and takes a while.

    PCA is fitted on all epochs together. UMAP is fitted on the epochs ``fitted``, by default the first and the last
    (on all of them, the nearest neighbour of a point would be itself an epoch earlier), then others are placed among
    the fixed points; above 12 epochs evenly chosen ones are placed, and points move on straight lines between them.
    **Shape** ``points`` (epochs + 1, 2, n, 2). Raises ``InputError`` for another method or epoch, for fewer than 2
    ``neighbours``, or fewer than 10 pairs for UMAP.

    >>> features = np.eye(4, dtype=np.float32)[None, :3]
    >>> space_map(EmbeddingHistory(np.arange(3), features, features)).points.shape
    (1, 2, 3, 2)
    """
    if method not in METHODS:
        raise InputError(f"method is {method!r}: allowed are {', '.join(METHODS)}")
    features = np.stack([embeddings.image, embeddings.text], axis=1)
    if method == "pca":
        return _pca(features)
    last = len(features) - 1
    ends = sorted({0, last} if fitted is None else {int(epoch) for epoch in fitted})
    if len(embeddings.rows) < SMALLEST_UMAP or neighbours < 2 or not ends or not 0 <= ends[0] <= ends[-1] <= last:
        given = f"{len(embeddings.rows)} pairs with {neighbours} neighbours, fitted on epochs {ends}"
        raise InputError(f"umap of {given}: allowed are {SMALLEST_UMAP} pairs or more, 2 or more, 0 to {last}")
    return _umap(features, seed, neighbours, ends)


def _pca(features: np.ndarray) -> SpaceMap:
    from sklearn.decomposition import PCA

    found = PCA(n_components=2, svd_solver="full" if features.size < 1e6 else "covariance_eigh")
    points = found.fit_transform(features.reshape(-1, features.shape[-1]))
    share = float(np.nan_to_num(found.explained_variance_ratio_).sum())
    rule = f"PCA of all epochs together; two axes hold {share:.0%} of the variance"
    return SpaceMap(points.reshape(*features.shape[:-1], 2), "pca", rule)


def _umap(features: np.ndarray, seed: int, neighbours: int, ends: list[int]) -> SpaceMap:
    from umap import UMAP  # compiles at its first call: ten to thirty seconds

    epochs, _, pairs, width = features.shape
    chosen = np.linspace(0, epochs - 1, min(epochs, MOST_PLACED + 1)).round().astype(int).tolist()
    between = sorted({*chosen} - {*ends})
    fitted = features[ends].reshape(-1, width)
    model = UMAP(n_neighbors=min(neighbours, len(fitted) - 1), metric="cosine", random_state=seed, n_jobs=1)
    with warnings.catch_warnings(), _same_threads():
        warnings.filterwarnings("ignore", "n_jobs value")  # a seed asks for one thread, as we do
        warnings.filterwarnings("ignore", "Graph is not fully connected")  # islands are a finding, not a fault
        found = [model.fit_transform(fitted)]
        if between:
            found.append(model.transform(features[between].reshape(-1, width)))
    placed, at = np.concatenate(found).reshape(-1, 2, pairs, 2), [*ends, *between]
    points = interp1d(at, placed, axis=0)(np.arange(epochs)) if len(at) < epochs else placed[np.argsort(at)]
    named = "all" if len(ends) == epochs else f"epochs {' and '.join(map(str, ends))}"
    rule = f"UMAP, seed {seed}, {neighbours} neighbours, fitted on {named}"
    thinned = f"; {len(at)} of {epochs} epochs placed, straight lines between" if len(at) < epochs else ""
    return SpaceMap(points, "umap", rule + thinned)


def modality_gap(image: np.ndarray, text: np.ndarray) -> float:
    """Distance between the mean image and the mean caption of normalised features: 0 one cloud, at most 2.

    Its square is the mean cosine among images, plus that among captions, less twice that between them.
    **Shape** (n, D), (m, D) -> scalar. Raises ``InputError`` for other shapes or a zero vector.

    >>> modality_gap(np.array([[2.0, 0.0]]), np.array([[0.0, 3.0]])).__round__(3)
    1.414
    """
    image, text = np.asarray(image, dtype=np.float64), np.asarray(text, dtype=np.float64)
    if image.ndim != 2 or text.ndim != 2 or image.shape[1] != text.shape[1] or 0 in (*image.shape, *text.shape):
        raise InputError(f"image {image.shape} and text {text.shape}: expected (n, D) and (m, D), not empty")
    lengths = [np.linalg.norm(part, axis=1, keepdims=True) for part in (image, text)]
    if min(length.min() for length in lengths) == 0:
        raise InputError("a feature is the zero vector: allowed are vectors with a direction")
    means = [(part / length).mean(axis=0) for part, length in zip((image, text), lengths, strict=True)]
    return float(np.linalg.norm(means[0] - means[1]))


def without_gap(embeddings: EmbeddingHistory) -> EmbeddingHistory:
    """The embeddings with the mean of each modality taken away in every epoch, and all features normalised again.

    **Shape** as before.

    >>> images = np.array([[[1.0, 0.0], [0.6, 0.8]]])
    >>> bool(np.allclose(without_gap(EmbeddingHistory(np.arange(2), images, -images)).image.sum(axis=1), 0))
    True
    """
    parts = []
    for part in (embeddings.image, embeddings.text):
        centred = part - part.mean(axis=1, keepdims=True)
        parts.append(centred / np.maximum(np.linalg.norm(centred, axis=-1, keepdims=True), 1e-12))
    return EmbeddingHistory(embeddings.rows, *parts)


@contextlib.contextmanager
def _same_threads() -> Iterator[None]:
    """numba gives torch as many threads as itself, and a run that goes on by other threads has other last bits."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
