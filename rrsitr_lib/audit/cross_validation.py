"""Small heads trained on some of the pairs give the others their losses: no pair is scored by what saw its image."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rrsitr_lib.audit.calibration import QUARTERS, MadeMismatches
from rrsitr_lib.audit.features import PairFeatures, unit
from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.noise import Noise
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.errors import InputError
from rrsitr_lib.frozen_towers.heads import HeadsEncoder, TokenHead
from rrsitr_lib.methods.pair_loss import chance_loss, symmetric_cross_entropy
from rrsitr_lib.training.batches import InMemory, SplitInputs
from rrsitr_lib.training.device import device_of
from rrsitr_lib.training.trainer import Trainer

ROUNDS = 8  # random batches in which a held-out pair is scored
BLOCK = 1024
SMALLEST = 20  # pairs
ONE_IMAGE = "all images are equal (without image files: their features): allowed are 4 different ones or more"


@dataclass(frozen=True)
class AuditSettings:
    """``repeats`` rounds of ``folds`` models each, trained for ``epochs`` by ``method``."""

    folds: int = 4
    repeats: int = 2
    epochs: int = 6
    method: str = "rrsitr"
    seed: int = 3
    device: str = "auto"

    @property
    def config(self) -> RunConfig:
        """How a model is trained; the paper's thresholds as fractions of the loss at chance, 18.42 in batches of 100.

        Raises ``InputError`` for a device or method that there is not.
        """
        return RunConfig.build(
            encoder="tiny", train="heads", method=self.method, local_loss=False, epochs=self.epochs,
            seed=self.seed, gamma_unit="chance", gamma_1=5 / 18.42, gamma_2=18 / 18.42, warmup_fraction=1 / 3,
            learning_rate=1e-3, batch_size=100, device=self.device,
        )  # fmt: skip


@dataclass(frozen=True)
class OutOfFoldScores:
    """What models say of pairs they never saw. **Shape** ``loss``, ``made``, ``similarity`` (repeats, N); others (N,).

    ``loss``: global loss of the pair (paper, fine-grained alignment) among held-out pairs, ``chance`` 2 ln B when the
    model knows nothing; ``made``: the same with the caption of a made mismatch, missing where none was made;
    ``similarity``: cosine; ``better``: number of the caption of the set that fits the pair's
    image best, another image's; ``lead``: by how much its cosine is above the pair's own.
    """

    loss: np.ndarray
    made: np.ndarray
    similarity: np.ndarray
    better: np.ndarray
    lead: np.ndarray
    chance: float


def folds_of(groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """A fold for every pair, 0 to ``folds`` - 1: pairs of one group stay together, folds are about equally large.

    **Shape** groups (N,) integers -> (N,). Raises ``InputError`` for fewer groups than folds.

    >>> folds_of(np.array([0, 0, 1, 1, 2, 2]), folds=3, seed=0).tolist()
    [1, 1, 2, 2, 0, 0]
    """
    members, index = np.unique(groups, return_inverse=True)
    if not 2 <= folds <= len(members):
        allowed = f"allowed are 2 to {len(members)}, the number of different images"
        raise InputError(f"folds is {folds}: {allowed}" if len(members) > 1 else ONE_IMAGE)
    fold_of_group = np.empty(len(members), dtype=np.int64)
    fold_of_group[np.random.default_rng(seed).permutation(len(members))] = np.arange(len(members)) % folds
    return fold_of_group[index]


def check_enough(
    images: Sequence[Hashable], captions: Sequence[Hashable], folds: int, source: object = "the pairs"
) -> None:
    """Raises ``InputError`` for too few pairs, fewer images than two a fold, and one caption everywhere. (N,) both."""
    if len(captions) < SMALLEST:
        raise InputError(
            f"{source}: {len(captions)} pairs are left: allowed are {SMALLEST} or more, as some are held out"
        )
    if len(set(captions)) == 1:
        raise InputError(f"{source}: all {len(captions)} pairs have the same caption: no ranking is possible")
    if (different := len(set(images))) < 2 * folds:
        if different < 4:
            raise InputError(
                f"{source}: {different} different images are left: allowed are 4 or more, two in each of two folds"
            )
        raise InputError(
            f"{source}: folds is {folds} for {different} images: allowed are 2 to {different // 2}, two images each"
        )


def cross_validate(
    features: PairFeatures,
    fold: np.ndarray,
    mismatches: MadeMismatches,
    settings: AuditSettings,
    progress: Callable[[int, int], object] | None = None,
) -> OutOfFoldScores:
    """Every pair gets ``repeats`` losses, each by heads that never saw a pair of its ``fold``, (N,).

    And as many losses with the caption of its made mismatch, among pairs as they are but for a quarter of them.

    ``progress(done, total)`` counts trained models, folds x repeats in all.
    """
    config, done = settings.config, 0
    loss, made, similarity, rival = np.zeros((4, settings.repeats, len(features)), dtype=np.float32)
    caption = np.zeros((settings.repeats, len(features)), dtype=np.int64)
    for repeat in range(settings.repeats):
        for number in range(settings.folds):
            seen, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            seed = settings.seed + 1000 * repeat + number
            image, text = encode_all(train_heads(features, seen, config.model_copy(update={"seed": seed})), features)
            own = image[features.image_of_pair[held]], text[features.caption_of_pair[held]]
            similarity[repeat, held] = np.einsum("nd,nd->n", *own)
            loss[repeat, held] = held_out_loss(features, held, image, text, config)
            made[repeat, held] = made_loss(features, held, mismatches, image, text, config)
            caption[repeat, held], rival[repeat, held] = best_other_caption(features, held, image, text)
            done += 1
            if progress:
                progress(done, settings.folds * settings.repeats)
    better = caption[rival.argmax(axis=0), np.arange(len(features))]
    lead, chance = (rival - similarity).mean(axis=0), chance_loss(config.batch_size) / 2
    return OutOfFoldScores(loss, made, similarity, better, lead, chance)


def train_heads(features: PairFeatures, rows: np.ndarray, config: RunConfig) -> HeadsEncoder:
    """Two heads trained on the pairs at ``rows`` (K,) by the project's own loop, global loss only."""
    config = config.model_copy(update={"batch_size": min(config.batch_size, len(rows))})
    table = PairTable(features.image_of_pair[rows].astype(str), np.full(len(rows), "-"), "train", "pairs to audit")
    images = _tokens(features.image)[table.images.astype(np.int64)]
    captions = _tokens(features.text)[features.caption_of_pair[rows]]
    model = HeadsEncoder(images.shape[-1], captions.shape[-1], seed=config.seed).to(device_of(config))
    inputs = SplitInputs(table, InMemory(images), InMemory(captions))
    as_they_are = Noise(np.arange(len(rows)), np.zeros(len(rows), bool), rate=0.0, protocol="shuffle", seed=config.seed)
    trainer, record = Trainer(config, model, inputs, as_they_are), None
    for epoch in range(config.epochs):
        record, _ = trainer.train_epoch(epoch, record)
    return model.eval()


@torch.no_grad()
def encode_all(model: HeadsEncoder, features: PairFeatures) -> tuple[np.ndarray, np.ndarray]:
    """All images and captions by trained heads, rows of length one: (M, D), (U, D)."""
    device = next(model.parameters()).device

    def encoded(vectors: np.ndarray, tower: TokenHead) -> np.ndarray:
        parts = [tower(part.to(device)).pooled.float().cpu() for part in _tokens(vectors).split(BLOCK)]
        return unit(torch.cat(parts).numpy())

    return encoded(features.image, model.image), encoded(features.text, model.text)


def held_out_loss(
    features: PairFeatures,
    held: np.ndarray,
    image: np.ndarray,
    text: np.ndarray,
    config: RunConfig,
    caption: np.ndarray | None = None,
) -> np.ndarray:
    """Mean global loss of the held-out pairs (H,) over random batches; equal images or captions never compete.

    Scale, batch size and seed are those of ``config``; ``caption`` (H,) stands in the place of their own.
    """
    total, times = np.zeros(len(held)), np.zeros(len(held))
    generator, scale = np.random.default_rng(config.seed), config.method_settings.scale
    size = min(config.batch_size, len(held))
    caption = features.caption_of_pair[held] if caption is None else caption
    for _ in range(ROUNDS):
        order = generator.permutation(len(held))
        for start in range(0, len(held), size):
            here = order[start : start + size] if start + size <= len(held) else order[-size:]
            images, captions = features.image_of_pair[held[here]], caption[here]
            logits = torch.from_numpy(scale * image[images] @ text[captions].T)
            same = (images[:, None] == images) | (captions[:, None] == captions)
            np.fill_diagonal(same, False)
            losses = symmetric_cross_entropy(logits.masked_fill(torch.from_numpy(same), -torch.inf)).numpy()
            total[here] += losses
            times[here] += 1
    return total / times


def made_loss(
    features: PairFeatures,
    held: np.ndarray,
    mismatches: MadeMismatches,
    image: np.ndarray,
    text: np.ndarray,
    config: RunConfig,
) -> np.ndarray:
    """``held_out_loss`` of the held-out pairs with the captions of their donors, a quarter at a time; else missing."""
    found = np.full(len(held), np.nan)
    for part in range(QUARTERS):
        changed = (mismatches.quarter[held] == part) & (mismatches.donor[held] >= 0)
        caption = features.caption_of_pair[np.where(changed, mismatches.donor[held], held)]
        found[changed] = held_out_loss(features, held, image, text, config, caption)[changed]
    return found


def best_other_caption(
    features: PairFeatures, held: np.ndarray, image: np.ndarray, text: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The caption of another image that fits the image of each held-out pair best, and its cosine, (H,) both."""
    images, index = np.unique(features.image_of_pair[held], return_inverse=True)
    found = []
    for start in range(0, len(images), BLOCK):
        here = images[start : start + BLOCK]
        block = image[here] @ text.T
        for row, number in enumerate(here):
            block[row, features.caption_of_pair[features.pairs_of_image[number]]] = -np.inf
        found.append((block.argmax(axis=1), block.max(axis=1)))
    caption, score = (np.concatenate(parts)[index] for parts in zip(*found, strict=True))
    return caption, score


def _tokens(vectors: np.ndarray) -> Tensor:
    """Vectors as items of a single token each, (K, D) -> (K, 1, D), of the size that the heads' norm expects."""
    return torch.from_numpy(np.ascontiguousarray(unit(vectors) * np.sqrt(vectors.shape[1]), dtype=np.float32))[:, None]
