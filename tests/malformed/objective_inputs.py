"""Bad arguments of objectives, partitions, weights, schedules and evaluation."""

from collections.abc import Callable

import numpy as np
import torch
from malformed.making import Cases, Make, call

from rrsitr_lib.evaluation import partition_quality, recall
from rrsitr_lib.methods.contrastive import contrastive_objective
from rrsitr_lib.methods.ncr import soft_margin
from rrsitr_lib.methods.partition import mixture_partition, partition, quantile_partition
from rrsitr_lib.methods.rrsitr import regulariser, rrsitr_objective, weight
from rrsitr_lib.methods.rrsitr.gamma_schedules import scheduled_gamma
from rrsitr_lib.methods.rrsitr.robust_triplet import robust_triplet
from rrsitr_lib.methods.triplet import hardest_negatives
from rrsitr_lib.model.similarity import local_similarity


def rank(score: object, images: object = (0, 1), **options: object) -> Make:
    """Recall of a score for two captions."""
    return call(recall, np.array(score, dtype=float), np.array(images), **options)


def quality(loss: list, category: list, mismatched: list) -> Make:
    """How well these losses and categories agree with the truth."""
    return call(partition_quality, np.array(loss), np.array(category), np.array(mismatched))


def similar(text: tuple, image: tuple) -> Make:
    """Local similarity of tokens of these shapes."""
    return call(local_similarity, torch.ones(text), torch.ones(image))


def objective(method: Callable, sizes: tuple = (4, 4, 4, 4), **settings: object) -> Make:
    """An objective of batches of these sizes."""
    shapes = [(size, 3) for size in sizes[:2]] + [(size, 2, 3) for size in sizes[2:]]
    return call(method, *map(torch.ones, shapes), **settings)


NAN, INF, ONES = float("nan"), float("inf"), torch.ones(2)
SHORT = torch.zeros(3, dtype=torch.long)
IN_ORDER, POSITIVE = "allowed is 0 <= gamma_1 <= gamma_2", "allowed is a positive number"
TOKENS = r"expected \(captions, Lt, D\) and \(images, Li, D\)"

CASES: Cases = [
    ("score of one axis", rank([1, 2]), r"score has shape \(2,\) .*expected \(captions, images\) and \(captions,\)"),
    ("score empty", rank(np.zeros((0, 2)), []), r"neither empty"),
    ("score not a number", rank([[0, 1], [NAN, 0]]), r"score\[1, 0\] is not a number"),
    ("answers too few", rank(np.eye(2), [0]), r"image_of_caption \(1,\)"),
    ("answers beyond the images", rank(np.eye(2), [0, 2]), r"whole numbers from 0 to 1"),
    ("answers below zero", rank(np.eye(2), [0, -1]), r"whole numbers from 0 to 1"),
    ("answers fractions", rank(np.eye(2), [0.0, 1.0]), r"whole numbers from 0 to 1"),
    ("recall at zero", rank(np.eye(2), ks=(0, 5)), r"ks is \(0, 5\): allowed are whole numbers of at least 1"),
    ("recall at a fraction", rank(np.eye(2), ks=(1.5,)), r"ks is \(1\.5,\)"),
    ("recall at nothing", rank(np.eye(2), ks=()), r"ks is \(\)"),
    ("recall at no number", rank(np.eye(2), ks=(NAN,)), r"ks is \(nan,\)"),
    ("quality of unequal lengths", quality([1.0, 2.0], [0], [True, False]), r"all three must be \(N,\)"),
    ("quality of an infinite loss", quality([1.0, INF], [0, 1], [1, 0]), r"loss of row 1 is not finite"),
    ("quality of a fourth category", quality([1.0, 2.0], [0, 3], [1, 0]), r"category"),
    ("quality of a category below zero", quality([1.0, 2.0], [0, -1], [1, 0]), r"category"),
    ("tokens of two axes", similar((4, 3), (4, 2, 3)), rf"text_tokens \(4, 3\).*{TOKENS}"),
    ("tokens of two axes in images", similar((2, 3, 4), (2, 4)), TOKENS),
    ("tokens of unequal width", similar((4, 2, 3), (4, 2, 5)), rf"image_tokens \(4, 2, 5\): {TOKENS}"),
    ("tokens of one axis", similar((4,), (4,)), TOKENS),
    ("objective, one text less", objective(rrsitr_objective, (4, 3, 4, 4)), r"hold \[4, 3, 4, 4\] pairs"),
    ("objective of one pair", objective(rrsitr_objective, (1, 1, 1, 1)), r"a batch of 1 pair has no negatives"),
    ("objective, gammas in the wrong order", objective(rrsitr_objective, gamma_1=18, gamma_2=5), r"gamma_1 is 18 and"),
    ("objective, gammas in the wrong order beside categories",
     objective(rrsitr_objective, gamma_1=18, gamma_2=5, category=torch.zeros(4).long()), r"gamma_1 is 18 and"),
    ("objective, categories too few", objective(rrsitr_objective, category=SHORT), r"category"),
    ("control of one pair", objective(contrastive_objective, (1, 1, 1, 1)), r"a batch of 1 pair has no negatives"),
    ("control, one token set less", objective(contrastive_objective, (4, 4, 4, 3)), r"hold \[4, 4, 4, 3\] pairs"),
    ("control, gammas not numbers", objective(contrastive_objective, gamma_1=NAN), r"gamma_1 is nan"),
    ("threshold below zero", call(partition, ONES, -1, 5), rf"gamma_1 is -1 and gamma_2 is 5: {IN_ORDER}"),
    ("thresholds in the wrong order", call(partition, ONES, 18, 5), IN_ORDER),
    ("lower threshold not a number", call(partition, ONES, NAN, 5), IN_ORDER),
    ("upper threshold not a number", call(partition, ONES, 1, NAN), IN_ORDER),
    ("quantiles over one", call(quantile_partition, np.ones(3), 0.9, 0.2), r"two fractions of at most 1"),
    ("quantiles of nothing", call(quantile_partition, np.ones(0), 0.5, 0.2), r"0 of 0 losses"),
    ("mixture of four", call(mixture_partition, np.ones(9), 4), r"4 components for 9 losses"),
    ("mixture of an infinite loss", call(mixture_partition, np.array([1, INF, 2]), 2), r"1 of 3 losses"),
    ("weight, gamma zero", call(weight, ONES, 0), rf"gamma is 0: {POSITIVE}"),
    ("weight, gamma below zero", call(weight, ONES, -1.0), rf"gamma is -1\.0: {POSITIVE}"),
    ("weight, gamma not a number", call(weight, ONES, NAN), POSITIVE),
    ("regulariser, gamma zero", call(regulariser, ONES, 0), POSITIVE),
    ("regulariser, gamma not a number", call(regulariser, ONES, NAN), r"gamma is nan"),
    ("weight, pace unknown", call(weight, ONES, 1.0, "cubic"), r"pace is 'cubic': allowed are hard, linear"),
    ("weight of another pace, gamma zero", call(weight, ONES, 0.0, "hard"), r"gamma is 0\.0"),
    ("regulariser, pace unknown", call(regulariser, ONES, 1.0, "cubic"), r"pace is 'cubic': allowed are hard"),
    ("negatives of nothing", call(hardest_negatives, torch.ones(0, 0)), r"a batch of 0 pair"),
    ("triplet of one pair", call(robust_triplet, torch.ones(1, 1), 0.6), r"a batch of 1 pair"),
    ("soft margin, label above one", call(soft_margin, [0.5, 1.01]), r"label is 1\.01: allowed is 0"),
    ("soft margin, label below zero", call(soft_margin, -0.1), r"label is -0\.1"),
    ("soft margin, label not a number", call(soft_margin, [NAN]), r"label is nan"),
    ("soft margin below zero", call(soft_margin, 1.0, margin=-0.2), r"margin is -0\.2"),
    ("soft margin infinite", call(soft_margin, 1.0, margin=INF), r"margin is inf"),
    ("soft margin, m one", call(soft_margin, 1.0, m=1), r"m is 1: allowed is above 1"),
    ("soft margin, m not a number", call(soft_margin, 1.0, m=NAN), r"m is nan"),
    ("schedule unknown", call(scheduled_gamma, "step", 0.5, 1, 2), r"schedule is 'step': allowed are constant"),
    ("schedule beyond its end", call(scheduled_gamma, "linear", 1.01, 1, 2), r"progress is 1\.01: allowed is 0"),
    ("schedule before its start", call(scheduled_gamma, "linear", -0.01, 1, 2), r"progress is -0\.01: allowed is 0"),
    ("schedule at no number", call(scheduled_gamma, "linear", NAN, 1, 2), r"progress is nan: allowed is 0"),
]  # fmt: skip
