"""Textbook forms of what the library computes, written from the paper as plainly as possible and never fast."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[1]
SHARED = next((path for path in (ROOT / "shared", ROOT.parent / "shared") if path.exists()), ROOT.parent / "shared")
REFERENCE, WEIGHTS, RSICD = SHARED / "reference", SHARED / "weights", SHARED / "data" / "rsicd_1000"
GOLDEN = REFERENCE / "objective_golden.json"


def needs(path, what):
    return pytest.mark.skipif(not path.exists(), reason=f"{what} are not beside the project")


needs_golden = needs(GOLDEN, "the authors' objective values")
needs_splits = needs(REFERENCE / "rsitmd", "the authors' RSITMD splits")
needs_towers = needs(WEIGHTS, "the small pretrained towers")
needs_rsicd = needs(RSICD, "the 1,000 RSICD images")

INPUTS = ("image_global", "text_global", "image_tokens", "text_tokens")
SETTINGS = ("gamma_1", "gamma_2", "lambda_1", "lambda_2", "sigma")


def golden_cases():
    """The authors' values, or nothing where the file is absent."""
    return json.loads(GOLDEN.read_text()) if GOLDEN.exists() else []


def draw_inputs(seed, B, D, Lt, Li, **_):
    """(image, text, image_tokens, text_tokens) as the reference's README says, float64, not normalised."""
    r = np.random.RandomState(seed)
    image = r.standard_normal((B, D))
    hard = np.linspace(0, 4, B)[:, None]
    text = image + hard * r.standard_normal((B, D))
    image_tokens = r.standard_normal((B, Li, D))
    basis = image_tokens.mean(axis=1, keepdims=True)
    image_tokens = 0.5 * image_tokens + 3 * basis
    text_tokens = basis * (4 - hard[:, None]) * 0.8 + r.standard_normal((B, Lt, D)) * (0.3 + 0.3 * hard[:, None])
    return tuple(torch.from_numpy(values) for values in (image, text, image_tokens, text_tokens))


def cosines(rows, columns):
    """Cosine of every row with every column, from their definition."""
    return torch.nn.functional.cosine_similarity(rows[:, None], columns[None], dim=-1)


def local_similarity(text_tokens, image_tokens, scale=1.0):
    """scale * ||T_a V_d^T||_F from the whole table of token cosines, (captions, images)."""
    text = torch.nn.functional.normalize(text_tokens, dim=-1)
    image = torch.nn.functional.normalize(image_tokens, dim=-1)
    return scale * torch.linalg.vector_norm(torch.einsum("aik,djk->adij", text, image), dim=(2, 3))


def cross_entropies(logits):
    """Row and column cross-entropy of every pair, (B,)."""
    own = torch.arange(len(logits))
    return torch.nn.functional.cross_entropy(logits, own, reduction="none") + torch.nn.functional.cross_entropy(
        logits.T, own, reduction="none"
    )


def pair_losses(image, text, image_tokens, text_tokens, scale):
    """(cosines image by caption, L^g, L^l)."""
    similarity, local = cosines(image, text), local_similarity(text_tokens, image_tokens, scale)
    return similarity, cross_entropies(scale * similarity), cross_entropies(local.T)


def self_paced(loss, gamma):
    """(w, R) of one number."""
    w = math.cos(math.pi / 2 * loss / gamma) if loss < gamma else 0.0
    return w, -(2 * gamma / math.pi) * (w * math.acos(w) - math.sqrt(1 - w * w))


def triplet(similarity, i, sigma, margins="dynamic"):
    """L^rt of pair i, every maximum written out."""
    own = similarity[i, i]
    others = [j for j in range(len(similarity)) if j != i]
    loss = 0
    for hardest in (max(similarity[i, j] for j in others), max(similarity[j, i] for j in others)):
        margin = sigma * (1 + torch.relu(hardest - own)) if margins == "dynamic" else sigma
        loss = loss + torch.relu(margin - own + hardest)
    return loss


def triplet_alignment(similarity, margin, temperature):
    """RDE's triplet alignment loss of every pair, (B,), the sums over negatives written out."""
    size, losses = len(similarity), []
    for i in range(size):
        loss = 0
        for row in (similarity[i], similarity[:, i]):
            negatives = sum(torch.exp(row[j] / temperature) for j in range(size) if j != i)
            loss = loss + torch.relu(margin - row[i] + temperature * torch.log(negatives))
        losses.append(loss)
    return torch.stack(losses)


def mean_hinges(similarity, margin):
    """NCR's hinge of every pair over all its negatives, both ways, divided by the batch size."""
    size = len(similarity)
    return [
        sum(torch.relu(margin + similarity[i, j] - similarity[i, i]) for j in range(size) if j != i) / size
        + sum(torch.relu(margin + similarity[j, i] - similarity[i, i]) for j in range(size) if j != i) / size
        for i in range(size)
    ]


def predicted_labels(similarity, margin):
    """NCR's P of every pair, by one network."""
    believed = [min(max(margin - float(hinge) / 2, 0), margin) for hinge in mean_hinges(similarity.detach(), margin)]
    best = sorted(believed)[-(len(believed) // 10 + 1) :]
    return [min(one / (sum(best) / len(best)), 1) for one in believed]


def soft_triplet(similarity, i, label, margin, base):
    """NCR's loss of pair i, with the margin of its label."""
    return triplet(similarity, i, margin * (base**label - 1) / (base - 1), margins="fixed")


def objective(
    image, text, image_tokens, text_tokens, gamma_1=5, gamma_2=18, lambda_1=0.8, lambda_2=0.9, sigma=0.6, scale=None,
    local=True, paced=True, margins="dynamic", jump=True,
):  # fmt: skip
    """(total, losses (B,), counts of clean, ambiguous, noisy) pair by pair; parts can be switched off."""
    scale = math.exp(2.996) if scale is None else scale
    similarity, global_loss, local_loss = pair_losses(image, text, image_tokens, text_tokens, scale)
    losses, total, counts = global_loss + local_loss if local else global_loss, 0, [0, 0, 0]
    for i, loss in enumerate(losses):
        category = 0 if loss < gamma_1 else 1 if loss < gamma_2 else 2
        w, r = self_paced(loss.item(), gamma_1 if jump and category == 0 else gamma_2) if paced else (1, 0)
        if category < 2:
            total = total + (1, lambda_1)[category] * (w * loss + r)
        elif margins != "off":
            total = total + lambda_2 * triplet(similarity, i, sigma, margins)
        counts[category] += 1
    return total / len(losses), losses, counts


def recall(score, image_of_caption, ks):
    """Recall at K both ways by sorting, for scores without ties; images without a caption are not asked."""
    result = {}
    for k in ks:
        i2t = [
            any(image_of_caption[caption] == image for caption in np.argsort(-score[:, image])[:k])
            for image in range(score.shape[1])
            if image in image_of_caption
        ]
        t2i = [image_of_caption[caption] in np.argsort(-score[caption])[:k] for caption in range(len(score))]
        result |= {f"i2t_R@{k}": 100 * np.mean(i2t), f"t2i_R@{k}": 100 * np.mean(t2i)}
    return result | {"mR": np.mean(list(result.values()))}


def shuffle(rows, rate, seed):
    """The authors' noise from the paper's text with plain lists: one generator through the four rates in order."""
    generator = np.random.RandomState(seed)
    for current in [0.2, 0.4, 0.6, 0.8] if rate in (0.2, 0.4, 0.6, 0.8) else [rate]:
        captions = list(range(rows))
        drawn = generator.choice(rows, int(rows * current), replace=False).tolist()
        taken = [captions[row] for row in drawn]
        generator.shuffle(taken)
        for row, caption in zip(drawn, taken, strict=True):
            captions[row] = caption
        if current == rate:
            return captions
    raise AssertionError
