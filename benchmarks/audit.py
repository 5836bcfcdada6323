"""How well an audit finds injected mismatches, beside what it must beat, and how far its decisions can be trusted.

The scores see images and captions only; the injected truth is read afterwards. Usage:

    python benchmarks/audit.py                                              # drawn scenes, encoder tiny-strong
    python benchmarks/audit.py --data FOLDER --encoder lite --weights DIR   # all splits of a folder together
    OMP_NUM_THREADS=1 python benchmarks/audit.py --scale 10000 100000       # CPU of --quick by step, drawn features
    python benchmarks/audit.py --decisions --protocols shuffle image --rates 0 0.05 0.1 0.2 0.4 0.6 \
                               --noise-seeds 42 7 13
"""

import argparse
import itertools
import resource
import sys
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from rrsitr_lib.audit.calibration import left_out, made_mismatches
from rrsitr_lib.audit.cross_validation import AuditSettings, folds_of
from rrsitr_lib.audit.features import PairFeatures, tower_features, unit
from rrsitr_lib.audit.mismatch_ranking import precision_at
from rrsitr_lib.audit.ranking import Ranking
from rrsitr_lib.audit.read_pairs import AuditPairs
from rrsitr_lib.audit.row_shift import find_shift
from rrsitr_lib.audit.run import Judged, judge
from rrsitr_lib.audit.untrained import SIGNALS, UntrainedJudges
from rrsitr_lib.data.images import find_images
from rrsitr_lib.data.noise import PROTOCOLS, Noise, inject
from rrsitr_lib.data.pairs import numbered, read_folder
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.registry import ENCODERS
from rrsitr_lib.scenes.world import draw_scenes

SCENES, SCENES_SEED = 600, 77
SPREAD = ["estimate", "balanced out", "F1", "promised", "true"]  # shown over noise seeds


def pairs_of(data: str, splits: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray | list[Path]]:
    """Image names (N,), captions (N,) and the images, one a distinct name."""
    if data == "scenes":
        drawn = draw_scenes(SCENES, seed=SCENES_SEED, size=64)
        return np.array(drawn.rows_image_ids), np.array(drawn.captions), drawn.images
    tables = [table for name, table in read_folder(data).items() if name in splits]
    ids, captions = (np.concatenate([getattr(one, name) for one in tables]) for name in ("image_ids", "captions"))
    return ids, captions, find_images(Path(data) / "images", list(dict.fromkeys(ids)))


def rivals(features: PairFeatures, found: Judged, seed: int, shared: bool) -> dict[str, np.ndarray]:
    """What the audit must beat: each of its signals alone, and others' scores; zero-shot only in a common space."""
    table = found.ranking.table.sort_values("row")
    scores = {f"{name} alone": table[name].to_numpy() for name in ("loss", *SIGNALS)}
    scores["confident learning"] = confident_learning_score(features, found.duplicates.group_of_pair, seed=seed)
    if shared:
        image, text = unit(features.image)[features.image_of_pair], unit(features.text)[features.caption_of_pair]
        scores["zero-shot similarity"] = -np.einsum("nd,nd->n", image, text)
    return scores | {"LEMoN as published": lemon(table)}


def lemon(table: pd.DataFrame) -> np.ndarray:
    """LEMoN's sum with its fixed weights of 5; the distance of the two modalities is that of the linear map."""
    return (table["linear"] + 5 * (table[SIGNALS[1]] + table[SIGNALS[2]])).to_numpy()


def decisions(ranking: Ranking, wrong: np.ndarray) -> dict[str, float]:
    """The estimated rate, and what the choices leave out and do: shares, F1 of ``balanced``, promised and true FDR."""
    table = ranking.table.sort_values("row")
    score, chance = table["score"].to_numpy(), table["wrong"].to_numpy()
    balanced, sure, fdr = (left_out(score, chance, ranking.rate, keep) for keep in ("balanced", "sure", "fdr=0.1"))
    hits = (balanced & wrong).sum()
    return {
        "true rate": wrong.mean(), "estimate": ranking.rate, "low": ranking.interval[0], "high": ranking.interval[1],
        "AUROC": ranking.separation,
        "balanced out": balanced.mean(), "F1": 2 * hits / max(1, balanced.sum() + wrong.sum()), "sure out": sure.mean(),
        "fdr=0.1 out": fdr.mean(), "promised": (1 - chance[fdr]).mean() if fdr.any() else 0.0,
        "true": (~wrong[fdr]).mean() if fdr.any() else 0.0,
    }  # fmt: skip


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


def seconds(pairs: int, seed: int) -> dict[str, float]:
    """Seconds of CPU a step of ``--quick``, five pairs an image, features as wide as lite's, and the peak of memory."""
    generator = np.random.default_rng(seed)
    hidden = generator.standard_normal((pairs // 5, 64), dtype=np.float32)
    own = np.repeat(np.arange(pairs // 5), 5)
    image, text = (hidden[rows] @ generator.standard_normal((64, width), dtype=np.float32)
                   for rows, width in ((np.arange(pairs // 5), 1280), (own, 384)))  # fmt: skip
    features = PairFeatures(image, text, own, np.arange(len(own)))
    fold, took, everyone = folds_of(own, 4, seed), {"pairs": pairs}, np.arange(len(own))
    judges, made = UntrainedJudges(features, own, fold), made_mismatches(fold, own, seed)
    for name, step in {
        "linear map": lambda: judges.own_misfit, "neighbours": lambda: judges.near,
        "signals": lambda: judges(everyone, everyone),
        "of made mismatches": lambda: judges(made.rows, made.donor[made.rows]),
        "better captions": judges.better, "slipped rows": lambda: find_shift(judges, everyone.tolist(), 0.0),
    }.items():  # fmt: skip
        began = time.process_time()
        step()
        took[name] = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return took | {"in all": sum(took.values()) - pairs, "peak GB": peak}


class World(NamedTuple):
    """Pairs before any noise, and what an encoder makes of them. **Shape** ids, captions, caption_of_pair (N,)."""

    ids: np.ndarray
    captions: np.ndarray
    caption_of_pair: np.ndarray
    files: list[Path]
    image: np.ndarray
    text: np.ndarray
    shared: bool


def world_of(arguments: argparse.Namespace) -> World:
    """The pairs that the command names, and their features."""
    ids, captions, images = pairs_of(arguments.data, arguments.splits)
    unique, caption_of_pair = numbered(captions.tolist())
    image, text = tower_features(build_encoder(arguments.encoder, arguments.weights, "masked"), images, unique)
    files = [] if isinstance(images, np.ndarray) else images
    return World(ids, captions, caption_of_pair, files, image, text, ENCODERS[arguments.encoder].shared_space)


def judged(
    world: World, noise: Noise, arguments: argparse.Namespace
) -> tuple[dict[str, Ranking], dict[str, np.ndarray]]:
    """What the audit, and unless only ``--decisions`` are wanted ``--quick``, say of noisy pairs; scores by name."""
    moved, settings = noise.caption_index, AuditSettings(seed=arguments.seed)
    features = PairFeatures(world.image, world.text, numbered(world.ids.tolist())[1], world.caption_of_pair[moved])
    rows = list(range(len(world.ids)))
    pairs = AuditPairs(world.ids.tolist(), world.captions[moved].tolist(), rows, world.files, [])
    found, scores = {"audit": judge(pairs, features, settings)}, {}
    if not arguments.decisions:
        found["audit --quick"] = judge(pairs, features, settings, quick=True)
        scores = rivals(features, found["audit"], arguments.seed, world.shared)
    rankings = {name: of.ranking for name, of in found.items()}
    own = {name: ranking.table.sort_values("row")["score"].to_numpy() for name, ranking in rankings.items()}
    return rankings, scores | own


def quality(score: np.ndarray, wrong: np.ndarray) -> dict[str, float]:
    """How well a score ranks the wrong pairs first."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    return {
        "AUROC": roc_auc_score(wrong, score), "average precision": average_precision_score(wrong, score),
        "precision in the top 10 %": precision_at(score, wrong, len(wrong) // 10),
    }  # fmt: skip


def cells(arguments: argparse.Namespace) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Every protocol, rate and noise seed: rows of how well the scores rank, and of what the decisions are worth."""
    world, ranked, decided = world_of(arguments), [], []
    for protocol, rate, seed in itertools.product(arguments.protocols, arguments.rates, arguments.noise_seeds):
        if not rate and any(not one["rate"] for one in decided):
            continue  # nothing is drawn
        began, noise = time.perf_counter(), inject(world.ids, rate, protocol, seed, world.captions)
        where, wrong = {"protocol": protocol, "rate": rate, "noise seed": seed}, noise.mismatched
        rankings, scores = judged(world, noise, arguments)
        decided += [{**where, "judges": name, **decisions(of, wrong)} for name, of in rankings.items()]
        if wrong.any():
            ranked += [{**where, "score": name, **quality(score, wrong)} for name, score in scores.items()]
        print(f"{time.perf_counter() - began:.0f} s", where, file=sys.stderr, flush=True)
    return ranked, decided


def main() -> None:
    """Print how well the scores rank, what the decisions are worth, and these over the noise seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="scenes")
    parser.add_argument("--splits", nargs="+", default=["train", "val", "test"], help="of a folder")
    parser.add_argument("--encoder", default="tiny-strong", help="tiny-strong for drawn scenes")
    parser.add_argument("--weights")
    parser.add_argument("--rates", nargs="+", type=float, default=[0.2])
    parser.add_argument("--protocols", nargs="+", default=PROTOCOLS)
    parser.add_argument("--noise-seeds", nargs="+", type=int, default=[42])
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--decisions", action="store_true", help="only the audit: no rivals, no --quick")
    parser.add_argument("--scale", nargs="+", type=int, metavar="PAIRS", help="only time the steps with so many pairs")
    arguments = parser.parse_args()
    if arguments.scale:
        rows = [seconds(pairs, arguments.seed) for pairs in arguments.scale]
        print(pd.DataFrame(rows).to_string(index=False, float_format="%.1f"))
        return
    ranked, decided = cells(arguments)
    for rows in (ranked, decided):
        print(pd.DataFrame(rows).to_string(index=False, float_format="%.3f"), end="\n\n", flush=True)
    over = pd.DataFrame(decided).groupby(["protocol", "rate", "judges"], sort=False)[SPREAD]
    print(over.agg(["mean", "min", "max"]).to_string(float_format="%.3f"))


if __name__ == "__main__":
    main()
