"""A row that gives a table its sense: a linear probe on frozen features, under the same evaluation as every method."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from rrsitr_lib.audit.features import PairFeatures, tower_features, unit
from rrsitr_lib.audit.ridge import Ridge
from rrsitr_lib.checksums import changed_files, note_checksums
from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import Split, inject_noise, open_data
from rrsitr_lib.errors import InputError
from rrsitr_lib.evaluation import true_ranks
from rrsitr_lib.experiments.run_results import RECALLS, SUBJECT, data_name, draw_order
from rrsitr_lib.experiments.trials import open_study
from rrsitr_lib.experiments.uncertainty import HitCounts, Ranks, count_hits
from rrsitr_lib.files import write_atomically
from rrsitr_lib.frozen_towers.token_cache import caption_tokens, image_tokens
from rrsitr_lib.model.encoder import Encoder, JointEncoder, build_encoder

PROBES = "linear_probe.csv"
COUNTS = ["queries_by_image", "queries_by_caption", *RECALLS[:-1]]
Probes = dict[tuple[str, str, str, float], HitCounts]  # by data, encoder, protocol, noise rate


def linear_probes(config: RunConfig, rates: Sequence[float]) -> Probes:
    """What a ridge regression from pooled image features to pooled caption features finds of the test split, by rate.

    It is fitted to the training pairs as ``config`` makes them noisy at each rate; the frozen towers never change.
    Score: cosine of the prediction with the centred caption.
    """
    data = open_data(config)
    towers = build_encoder(config.encoder, config.weights, config.pad_tokens, config.seed).eval()
    train, test = (_features(config, towers, data[name], name) for name in ("train", "test"))
    ridge, found = Ridge(train.image, train.image_of_pair), {}
    answers = torch.as_tensor(test.image_of_pair, dtype=torch.long)
    for rate in rates:
        noise = inject_noise(config.model_copy(update={"noise_rate": rate}), data["train"].table)
        linear = ridge.fit(train.text, train.caption_of_pair[noise.caption_index])
        score = unit(test.text - linear.caption_mean) @ unit(linear(test.image)).T
        bands = [(slice(0, len(answers)), torch.from_numpy(score[test.caption_of_pair]))]
        ranks = true_ranks(partial(iter, bands), answers, len(test.image))
        cell = (data_name(config), config.encoder, config.protocol, rate)
        found[cell] = count_hits(Ranks(test.image_of_pair, *ranks))
    return found


def write_probes(folder: str | Path) -> Path:
    """Fit the linear probes of a study, each data set and noise rate once, and keep what they find of every test image.

    Only where the towers are frozen: there the features that the probe sees are those that every method sees. Raises
    ``InputError`` where no run of the study freezes them.
    """
    opened = open_study(folder)
    rates: dict[tuple[str, str, str], set[float]] = {}
    configs: dict[tuple[str, str, str], RunConfig] = {}
    for config in sorted(
        (config for _, config, _ in opened.trials.values()), key=lambda one: draw_order(one.noise_seed)
    ):
        if config.train == "heads":
            key = (config.data, config.encoder, config.protocol)
            configs.setdefault(key, config)
            rates.setdefault(key, set()).add(config.noise_rate)
    if not configs:
        raise InputError(f"{folder}: no run has frozen towers (train: heads), so no linear probe is defined")
    probes = [item for key in configs for item in linear_probes(configs[key], sorted(rates[key])).items()]
    table = pd.concat([_counts(found).assign(**dict(zip(SUBJECT, cell, strict=True))) for cell, found in probes])
    path = write_atomically(
        opened.folder / PROBES, lambda temporary: table[SUBJECT + COUNTS].to_csv(temporary, index=False)
    )
    note_checksums(opened.folder, PROBES)
    return path


def read_probes(folder: Path) -> Probes:
    """What ``write_probes`` kept, empty where nothing was. Raises ``InputError`` for a damaged file."""
    if not (folder / PROBES).exists():
        return {}
    if changed := changed_files(folder, PROBES):
        raise InputError(f"{changed[0]}; rrsitr study probe {folder} writes it again")
    kept = pd.read_csv(folder / PROBES)
    if missing := [name for name in SUBJECT + COUNTS if name not in kept]:
        raise InputError(
            f"{folder / PROBES}: not of this version (no {missing[0]}); rrsitr study probe {folder} writes it again"
        )
    parts = kept.groupby(SUBJECT, sort=False)[COUNTS]
    counts = {cell: part.to_numpy(dtype=float) for cell, part in parts}
    return {cell: HitCounts(one[:, 2:], one[:, :2]) for cell, one in counts.items()}


def _counts(found: HitCounts) -> pd.DataFrame:
    return pd.DataFrame(np.hstack([found.queries, found.hits]), columns=COUNTS, dtype=int)


def _features(config: RunConfig, towers: Encoder, split: Split, name: str) -> PairFeatures:
    captions, caption_of_pair = np.unique(split.table.captions.astype(str), return_inverse=True)
    if config.train == "heads" and isinstance(towers, JointEncoder):  # its tokens are kept since the heads trained
        image = _mean_token(*image_tokens(towers, split.images, f"{name} images"))
        *tokens, place = caption_tokens(towers, captions.tolist(), f"{name} captions")
        text = _mean_token(*tokens)[place]
    else:
        image, text = tower_features(towers, split.images, captions.tolist())
    return PairFeatures(unit(image), unit(text), split.table.image_of_row, caption_of_pair)


def _mean_token(tokens: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The pooled feature of towers without a common space. **Shape** (items, L, D), (items,) -> (items, D)."""
    return np.stack([tokens[item, :length].mean(axis=0, dtype=np.float32) for item, length in enumerate(lengths)])
