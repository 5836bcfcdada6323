"""How well an audit finds injected mismatches, beside what it must beat, each score by AUROC and precision.

The scores see images and captions only; the injected truth is read afterwards. Usage:

    python benchmarks/audit.py                                              # drawn scenes, encoder tiny
    python benchmarks/audit.py --data FOLDER --encoder lite --weights DIR   # all splits of a folder together
"""

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from rrsitr_lib.audit.cross_validation import AuditSettings, cross_validate, folds_of
from rrsitr_lib.audit.duplicates import find_duplicates
from rrsitr_lib.audit.features import PairFeatures, tower_features, unit
from rrsitr_lib.audit.mismatch_ranking import precision_at
from rrsitr_lib.audit.ranking import rank_pairs
from rrsitr_lib.audit.read_pairs import AuditPairs
from rrsitr_lib.data.images import find_images
from rrsitr_lib.data.noise import PROTOCOLS, inject
from rrsitr_lib.data.pairs import numbered, read_folder
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.registry import ENCODERS
from rrsitr_lib.scenes.world import draw_scenes

SCENES, SCENES_SEED = 600, 77


def pairs_of(data: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | list[Path]]:
    """Image names (N,), captions (N,) and the images, one a distinct name."""
    if data == "scenes":
        drawn = draw_scenes(SCENES, seed=SCENES_SEED, size=64)
        return np.array(drawn.rows_image_ids), np.array(drawn.captions), drawn.images
    tables = read_folder(data).values()
    ids, captions = (np.concatenate([getattr(one, name) for one in tables]) for name in ("image_ids", "captions"))
    return ids, captions, find_images(Path(data) / "images", list(dict.fromkeys(ids)))


def scores(
    features: PairFeatures, images: object, captions: np.ndarray, seed: int, shared: bool
) -> Iterator[tuple[str, np.ndarray]]:
    """Every score by name, (N,), larger is more suspect; zero-shot only where images and captions share a space."""
    twins, settings = find_duplicates(features, images), AuditSettings(seed=seed)
    pairs = AuditPairs(["-"] * len(captions), captions.tolist(), list(range(len(captions))), paths=[], notes=[])
    held_out = cross_validate(features, twins.group_of_pair, settings)
    table = rank_pairs(pairs, features, twins, held_out, settings).sort_values("row")
    yield "audit", table["score"].to_numpy()
    yield "its held-out loss alone", table["loss"].to_numpy()
    yield "linear probe (ridge)", -table["linear"].to_numpy()
    yield "nearest neighbours", -table["neighbours"].to_numpy()
    yield "confident learning", confident_learning_score(features, twins.group_of_pair, seed=seed)
    if shared:
        image, text = unit(features.image)[features.image_of_pair], unit(features.text)[features.caption_of_pair]
        yield "zero-shot similarity", -np.einsum("nd,nd->n", image, text)


def confident_learning_score(
    features: PairFeatures, groups: np.ndarray, folds: int = 4, seed: int = 3, classes: int = 40
) -> np.ndarray:
    """One minus the self-confidence of confident learning, in [0, 1], (N,).

    Captions have no classes, so they are clustered (k-means); a logistic regression then tells the cluster from the
    image, and the pair is as suspect as the cluster of its caption is improbable out of fold.
    Source: Northcutt et al., Confident Learning, JAIR 2021 (cleanlab), normalised margin left out.
    """
    from sklearn.cluster import KMeans
    from sklearn.linear_model import LogisticRegression

    image, text = unit(features.image)[features.image_of_pair], unit(features.text)
    classes = max(2, min(classes, len(text) // 5))
    label = KMeans(classes, n_init=1, random_state=seed).fit_predict(text)[features.caption_of_pair]
    fold, score = folds_of(groups, folds, seed), np.ones(len(features))
    for number in range(folds):
        seen, held = fold != number, fold == number
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a solver that stops early still ranks
            model = LogisticRegression(C=10, max_iter=200).fit(image[seen], label[seen])
        column = {name: number for number, name in enumerate(model.classes_)}
        probability = model.predict_proba(image[held])
        known = np.array([column.get(name, -1) for name in label[held]])
        score[held] = 1 - np.where(known < 0, 0, probability[np.arange(len(known)), known])
    return score


def main() -> None:
    """Print a table: a row for each protocol and score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="scenes")
    parser.add_argument("--encoder", default="tiny")
    parser.add_argument("--weights")
    parser.add_argument("--rate", type=float, default=0.2)
    parser.add_argument("--protocols", nargs="+", default=PROTOCOLS)
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    from sklearn.metrics import average_precision_score, roc_auc_score

    ids, captions, images = pairs_of(arguments.data)
    unique, caption_of_pair = numbered(captions.tolist())
    towers = build_encoder(arguments.encoder, arguments.weights, "masked")
    image, text = tower_features(towers, images, unique)
    rows = []
    for protocol in arguments.protocols:
        noise = inject(ids, arguments.rate, protocol, 42, captions)
        features = PairFeatures(image, text, numbered(ids.tolist())[1], caption_of_pair[noise.caption_index])
        shared = ENCODERS[arguments.encoder].shared_space
        for name, score in scores(features, images, captions[noise.caption_index], arguments.seed, shared):
            wrong = noise.mismatched
            rows.append({
                "protocol": protocol, "realised": wrong.mean(), "score": name, "AUROC": roc_auc_score(wrong, score),
                "average precision": average_precision_score(wrong, score),
                "precision in the top 10 %": precision_at(score, wrong, len(wrong) // 10),
            })  # fmt: skip
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    main()
