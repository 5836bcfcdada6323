"""A row that gives a table its sense: a linear probe on frozen features, under the same evaluation as every method."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from rrsitr_lib.audit.features import PairFeatures, tower_features, unit
from rrsitr_lib.audit.ridge import Ridge
from rrsitr_lib.checksums import changed_files, note_checksums
from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import Split, inject_noise, open_data
from rrsitr_lib.errors import InputError
from rrsitr_lib.evaluation import recall
from rrsitr_lib.experiments.run_results import data_name
from rrsitr_lib.experiments.trials import open_study
from rrsitr_lib.files import write_atomically
from rrsitr_lib.frozen_towers.token_cache import caption_tokens, image_tokens
from rrsitr_lib.model.encoder import Encoder, JointEncoder, build_encoder

PROBES = "linear_probe.csv"
COLUMNS = ["data", "encoder", "protocol", "noise_rate", "metric", "mean"]


def linear_probes(config: RunConfig, rates: Sequence[float]) -> dict[float, dict[str, float]]:
    """Test recalls, in percent, of a ridge regression from pooled image features to pooled caption features, by rate.

    It is fitted to the training pairs as ``config`` makes them noisy at each rate; the frozen towers never change.
    Score: cosine of the prediction with the centred caption.
    """
    data = open_data(config)
    towers = build_encoder(config.encoder, config.weights, config.pad_tokens, config.seed).eval()
    train, test = (_features(config, towers, data[name], name) for name in ("train", "test"))
    ridge, found = Ridge(train.image, train.image_of_pair), {}
    for rate in rates:
        noise = inject_noise(config.model_copy(update={"noise_rate": rate}), data["train"].table)
        linear = ridge.fit(train.text, train.caption_of_pair[noise.caption_index])
        score = unit(test.text - linear.caption_mean) @ unit(linear(test.image)).T
        found[rate] = recall(score[test.caption_of_pair], test.image_of_pair)
    return found


def probe_cells(config: RunConfig, rates: Sequence[float]) -> pd.DataFrame:
    """``linear_probes`` as cells of a table, a row a rate and metric, in percent."""
    where = {"data": data_name(config), "encoder": config.encoder, "protocol": config.protocol}
    found = linear_probes(config, rates).items()
    rows = [{**where, "noise_rate": rate, "metric": metric, "mean": value}
            for rate, recalls in found for metric, value in recalls.items()]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def write_probes(folder: str | Path) -> Path:
    """Fit the linear probes of a study, each data set and noise rate once, and keep them beside its tables.

    Only where the towers are frozen: there the features that the probe sees are those that every method sees. Raises
    ``InputError`` where no run of the study freezes them.
    """
    opened = open_study(folder)
    rates: dict[tuple[str, str, str], set[float]] = {}
    configs: dict[tuple[str, str, str], RunConfig] = {}
    for _, config, _ in opened.trials.values():
        if config.train == "heads":
            key = (config.data, config.encoder, config.protocol)
            configs.setdefault(key, config)
            rates.setdefault(key, set()).add(config.noise_rate)
    if not configs:
        raise InputError(f"{folder}: no run has frozen towers (train: heads), so no linear probe is defined")
    table = pd.concat([probe_cells(configs[key], sorted(rates[key])) for key in configs])
    path = write_atomically(opened.folder / PROBES, lambda temporary: table.to_csv(temporary, index=False))
    note_checksums(opened.folder, PROBES)
    return path


def read_probes(folder: Path) -> pd.DataFrame:
    """What ``write_probes`` kept, empty where nothing was. Raises ``InputError`` for a damaged file."""
    if not (folder / PROBES).exists():
        return pd.DataFrame(columns=COLUMNS)
    if changed := changed_files(folder, PROBES):
        raise InputError(f"{changed[0]}; rrsitr study probe {folder} writes it again")
    return pd.read_csv(folder / PROBES)


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
