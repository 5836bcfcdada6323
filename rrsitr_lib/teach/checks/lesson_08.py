"""Exercises of lesson 08: the modality gap, the first axis of a map, the lead that a pair needs."""

import math

import numpy as np

from rrsitr_lib.teach.exercise import Exercise, Wrong

LESSON = "08_the_space"


def _unit(features: np.ndarray) -> np.ndarray:
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def _gap(image: np.ndarray, text: np.ndarray) -> float:
    return float(np.linalg.norm(_unit(image).mean(axis=0) - _unit(text).mean(axis=0)))


def _first_axis(points: np.ndarray, centre: float | np.ndarray, place: int = 0) -> np.ndarray:
    _, _, directions = np.linalg.svd(points - centre, full_matrices=False)
    return (points - centre) @ directions[place]


def _solved_axis(points: np.ndarray) -> np.ndarray:
    return np.abs(_first_axis(points, points.mean(axis=0)))


def _lead(loss: float, batch_size: int, scale: float) -> float:
    return (math.log(batch_size - 1) - math.log(math.exp(loss / 2) - 1)) / scale


def _clouds() -> list[dict[str, np.ndarray]]:
    """A cone of pictures and one of captions, of other lengths; one pair; two clouds that lie on each other."""
    generator = np.random.default_rng(8)
    around = generator.normal(size=(6, 4))
    far = {"image": around + np.array([3, 0, 0, 0]), "text": 5 * generator.normal(size=(6, 4)) + np.array([0, 9, 0, 0])}
    single = {"image": np.array([[2.0, 0.0]]), "text": np.array([[0.0, 0.5]])}
    return [far, single, {"image": around, "text": 3 * around[::-1]}]


def _points() -> list[dict[str, np.ndarray]]:
    generator = np.random.default_rng(9)
    stretched = generator.normal(size=(8, 3)) * [0.5, 3.0, 1.0] + [20, 1, -4]
    return [{"points": stretched}, {"points": np.array([[0.0, 0.0], [4.0, 3.0], [8.0, 6.0]])}]


EXERCISES = (
    Exercise(
        name="modality_gap",
        lesson=LESSON,
        difficulty="warm-up",
        minutes=8,
        cases=_clouds(),
        solution=_gap,
        wrong=(
            Wrong(
                lambda image, text: float(np.linalg.norm(_unit(image) - _unit(text), axis=1).mean()),
                "this is the mean distance of the pairs. It is large wherever pairs are scattered, even if both clouds "
                "lie on each other, as in the last case. The gap asks for the distance of the two centres.",
            ),
            Wrong(
                lambda image, text: float(np.linalg.norm(image.mean(axis=0) - text.mean(axis=0))),
                "these features are as long as the encoder made them. A cosine does not see lengths, so the gap must "
                "not see them either: which step comes before the means?",
            ),
            Wrong(
                lambda image, text: float(
                    np.linalg.norm(
                        image.mean(axis=0) / np.linalg.norm(image.mean(axis=0))
                        - text.mean(axis=0) / np.linalg.norm(text.mean(axis=0))
                    )
                ),
                "here the two means were brought to length one, not the features. The length of a mean of unit vectors "
                "says how narrow the cone is, and this is lost.",
            ),
        ),
        first_step="Bring every feature to length one, then find the centre of each cloud. What lies between them?",
        why="Two clouds can lie on each other though no pair does, and far apart though every caption finds its "
        "picture.",
    ),
    Exercise(
        name="first_axis",
        lesson=LESSON,
        difficulty="core",
        minutes=15,
        cases=_points(),
        solution=_solved_axis,
        wrong=(
            Wrong(
                lambda points: np.abs(_first_axis(points, 0.0)),
                "without the centre taken away, the first direction points from the origin to the cloud. It says "
                "where the cloud is, not how it is stretched.",
            ),
            Wrong(
                lambda points: np.abs(_first_axis(points, points.mean())),
                "you took one number away from all coordinates, the mean of the whole table. Every coordinate has a "
                "mean of its own: along which axis of the table must it be taken?",
            ),
            Wrong(
                lambda points: np.abs(_first_axis(points, points.mean(axis=0), place=-1)),
                "this is the direction in which the points vary least. In what order does the decomposition sort them?",
            ),
            Wrong(
                lambda points: np.abs(np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[0][:, 0]),
                "the right pattern in the wrong size: the left singular vectors have length one. How far the points "
                "lie along the axis is in the singular value, or in the product of points and direction.",
            ),
            Wrong(
                lambda points: _first_axis(points, points.mean(axis=0)),
                "right up to the sign, which the decomposition chose: an axis may point either way. So that the answer "
                "does not depend on it, the task asks for absolute values.",
            ),
        ),
        first_step="Which point must lie at the origin before you ask numpy.linalg.svd for directions?",
        why="Centre, decompose, project: this is all of PCA. The sign of an axis has no meaning.",
    ),
    Exercise(
        name="needed_lead",
        lesson=LESSON,
        difficulty="stretch",
        minutes=20,
        cases=[
            {"loss": 2.5, "batch_size": 100, "scale": 20.0},
            {"loss": 9.0, "batch_size": 100, "scale": 20.0},
            {"loss": 2.5, "batch_size": 32, "scale": 20.0},
            {"loss": 2.5, "batch_size": 100, "scale": 100.0},
            {"loss": 2 * math.log(100), "batch_size": 100, "scale": 20.0},
        ],
        solution=_lead,
        wrong=(
            Wrong(
                lambda loss, batch_size, scale: (math.log(batch_size - 1) - math.log(math.exp(loss) - 1)) / scale,
                "the whole loss went into one cross-entropy. A pair has two of them here, picture to caption and "
                "caption to picture; with all others equal, both are the same.",
            ),
            Wrong(
                lambda loss, batch_size, scale: math.log(batch_size - 1) - math.log(math.exp(loss / 2) - 1),
                "this is the lead in logits. A logit is the temperature's scale times a cosine, and the task asks for "
                "the cosine.",
            ),
            Wrong(
                lambda loss, batch_size, scale: (math.log(batch_size - 1) - loss / 2) / scale,
                "close where the loss is large. The softmax also holds the pair's own term, which you have left out of "
                "the sum; at chance level, the last case, the lead must come out as exactly zero.",
            ),
        ),
        first_step="Write one cross-entropy with own cosine s and B - 1 others all at s - lead. What happens to s?",
        why="Only the lead is left, s itself is gone: a step that is added to all cosines, as the gap adds one, "
        "changes no loss. The frozen temperature and the batch size decide how much lead is asked for.",
    ),
)
