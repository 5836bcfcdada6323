"""Spot the wrong pair: twenty pairs, one after another; then your score beside that of a model that was not trained."""

import html
from collections.abc import Sequence

import ipywidgets as widgets
import numpy as np
import torch
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score
from torch.nn.functional import cosine_similarity

from rrsitr_lib.data.datasets import Split
from rrsitr_lib.data.noise import Noise
from rrsitr_lib.errors import InputError
from rrsitr_lib.model.encoder import Encoder
from rrsitr_lib.show.explorers.deck import Decisions, Deck
from rrsitr_lib.show.explorers.stand_in import WHERE, ExplorerBox
from rrsitr_lib.show.figures import contact_sheet
from rrsitr_lib.show.run_reader import card, thumbnail
from rrsitr_lib.show.views.gallery import balanced_accuracy, best_balanced_accuracy
from rrsitr_lib.training.batches import image_items

OF_EACH, COLUMNS = 10, 5


class SpotGame:
    """Pairs to be called wrong or right, one after another; the truth is told when all are decided.

    **Shape** ``rows`` (n,) numbers of the pairs in their split; images n arrays (h, w, 3) uint8; captions, mismatched,
    cosine (n,), the cosine of an untrained model.
    """

    title = "Spot the wrong pair"

    def __init__(
        self,
        rows: np.ndarray,
        images: Sequence[np.ndarray],
        captions: Sequence[str],
        mismatched: np.ndarray,
        cosine: np.ndarray,
    ) -> None:
        self.rows, self.images, self.captions = rows, images, captions
        self.mismatched, self.cosine = mismatched, cosine
        self.decisions, self.deck, self.text = Decisions(), Deck(self, single=True), widgets.HTML()
        self._show()

    @property
    def over(self) -> bool:
        """Whether every pair is decided."""
        return len(self.decisions) == len(self.captions)

    def decide(self, row: int, decision: str) -> None:
        """Call the pair ``row``, from 0, "wrong", "right" or "undecided"."""
        self.decisions.say(row, decision)
        self._show()

    def undo(self) -> None:
        """Take the last decision back, and go to its pair."""
        row = self.decisions.undo()
        if row is not None:
            self._show()
            self.deck.place = row

    def turn(self, step: int) -> None:
        """There are no other cards."""

    def say(self) -> str:
        """How many are decided; when all are, your score and the model's."""
        if not self.over:
            return f"Does the caption describe the image? {len(self.decisions)} of {len(self.captions)} pairs decided."
        called = np.array([self.decisions[row] == "wrong" for row in range(len(self.captions))])
        return f"You: {balanced_accuracy(called, self.mismatched):.0%} (balanced accuracy). {self.model_in_words}"

    @property
    def model_in_words(self) -> str:
        """What the untrained model's cosine finds of the same pairs, which are wrong where it is low."""
        best = best_balanced_accuracy(-self.cosine, self.mismatched)
        both = 0 < self.mismatched.sum() < len(self.mismatched)
        auroc = f", AUROC {roc_auc_score(self.mismatched, -self.cosine):.2f}" if both else ""
        return f"The untrained model by its cosine: {best:.0%} at the threshold that suits these pairs best{auroc}."

    def view(self) -> widgets.Widget:
        """The question, and the cards."""
        title = widgets.HTML(f"<b>{self.title}</b>")
        return ExplorerBox([title, self.text, self.deck], (), f"The game “{self.title}” stands here {WHERE}.")

    def static(self) -> Figure:
        """All pairs on a sheet, numbered from 1, the truth not told."""
        numbered = [f"{number}. {caption}" for number, caption in enumerate(self.captions, 1)]
        fewer_colours = [image // 16 * 16 for image in self.images]  # a smaller file
        return contact_sheet(fewer_colours, numbered, columns=COLUMNS)

    def _show(self) -> None:
        rows = range(len(self.captions))
        self.deck.show(rows, [self._card(row) for row in rows], self.decisions)
        self.deck.single, self.deck.verdict = not self.over, self.say() if self.over else ""
        self.text.value = html.escape(self.say(), quote=False)

    def _card(self, row: int) -> str:
        wrong = bool(self.over and self.mismatched[row])
        note = ("MISMATCHED" if wrong else "true pair") if self.over else ""
        return card(f"pair {row + 1}", self.captions[row], self.images[row], note, wrong)


def spot_the_wrong_pair(split: Split, noise: Noise, encoder: Encoder, seed: int = 0) -> SpotGame:
    """A game over ten true and ten mismatched pairs of different images, drawn by ``seed``, or as many as there are.

    ``encoder`` is the model as it is before training; its cosines are computed here. Raises ``InputError`` for an empty
    split and for noise over another one.
    """
    table = split.table
    if len(noise) != len(table) or not len(table):
        raise InputError(f"noise over {len(noise)} pairs, and {len(table)} pairs: allowed is the same number, above 0")
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(table))
    order = order[np.sort(np.unique(table.image_of_row[order], return_index=True)[1])]
    kinds = [order[noise.mismatched[order] == kind][:OF_EACH] for kind in (False, True)]
    rows = generator.permutation(np.concatenate(kinds))
    images = [split.images[number] for number in table.image_of_row[rows]]
    captions = table.with_captions(noise.caption_index).captions[rows]
    cosine = _cosine(images, captions, encoder)
    return SpotGame(rows, list(map(thumbnail, images)), captions, noise.mismatched[rows], cosine)


def _cosine(images: Sequence, captions: np.ndarray, encoder: Encoder) -> np.ndarray:
    """Of image and caption, pair by pair. **Shape** (n,)."""
    items = image_items(images, encoder, augment=False, seed=0)
    with torch.no_grad():
        image = encoder.eval().image(items.fetch(np.arange(len(images)))).pooled
        text = encoder.text(encoder.tokenize(captions)).pooled
        return cosine_similarity(image, text).numpy()
