"""Retrieval: a question of the test split, its ranked answers, and what their scores are made of."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.audit.features import rows_of
from rrsitr_lib.show.explorers.controls import Choice, Control, Slider
from rrsitr_lib.show.explorers.run_explorer import RunExplorer
from rrsitr_lib.show.run_reader import card
from rrsitr_lib.show.views.retrieval import DIRECTIONS, RankedCandidates, ranked_candidates, retrieval_figure

SHOWN = 5
TO_IMAGES = DIRECTIONS[0]


class RetrievalExplorer(RunExplorer):
    """Pick an image of the test split and ask in both directions: what stands first, why, and where is the truth?

    A question is one caption of the chosen image, or the image itself. Bars are the scores of the best answers,
    global and local part; the truth is framed. The rankings are those of the best validation epoch.
    """

    title = "Retrieval"
    cards_on_page = 4000  # many show one image, or none

    def missing(self) -> str:
        if self.run.retrieval is not None:
            return ""
        return "This run's folder has no rankings: they are written when its last epoch is finished and tested."

    @cached_property
    def captions_of(self) -> list[np.ndarray]:
        """The numbers of every image's captions; images without any are left out of the questions."""
        return rows_of(self.run.retrieval.image_of_caption, len(self.run.retrieval.captions))

    def controls(self) -> Sequence[Control]:
        results = self.run.retrieval
        most = max(map(len, self.captions_of))
        recorded = min(results.images.shape[1], results.captions.shape[1])
        return (
            Choice("direction", "direction", DIRECTIONS, TO_IMAGES),
            Slider("image", "image", 0, len(self.captions_of) - 1, 1, 0, "number in the test split"),
            Slider("caption", "its caption", 1, most, 1, 1, "number; asks only for images", tuple(range(1, 6))),
            Slider("k", "answers", 1, recorded, 1, min(SHOWN, recorded), "K", (1, SHOWN, 10, 20)),
        )

    def ranked(self, direction: str, image: int, caption: int, k: int) -> RankedCandidates:
        """The answers to the question that the controls name; an image with fewer captions asks with its last."""
        own = self.captions_of[image]
        if direction == TO_IMAGES and not len(own):
            direction = DIRECTIONS[1]
        question = int(own[min(caption, len(own)) - 1]) if direction == TO_IMAGES else image
        return ranked_candidates(self.run.retrieval, direction, question, k)

    def draw(self, direction: str, image: int, caption: int, k: int) -> go.Figure:
        ranked = self.ranked(direction, image, caption, k)
        return retrieval_figure(ranked, self._keys(ranked)[1:])

    def say(self, direction: str, image: int, caption: int, k: int) -> str:
        ranked = self.ranked(direction, image, caption, k)
        local = f"{ranked.parts[1, 0] / ranked.score[0]:.0%}" if ranked.score[0] > 0 else "all"
        spread = np.ptp(ranked.parts, axis=1)
        return (
            f"{self._asked(ranked)} {self._placed(ranked, k)} The local part makes up {local} of the first score. "
            f"Over these answers the global part varies by {spread[0]:.3f}, the local part by {spread[1]:.3f}; "
            f"the cosine alone would put place {np.argmax(ranked.parts[0]) + 1} first."
        )

    def shown(self, direction: str, image: int, caption: int, k: int) -> Sequence[int]:
        return self._keys(self.ranked(direction, image, caption, k))

    def idle(self, direction: str, **values: Any) -> Sequence[str]:
        return () if direction == TO_IMAGES else ("caption",)

    def card(self, key: int) -> str:
        # the key holds direction, query and rank; rank 0 is the query itself
        question_key, place = divmod(key, self._places)
        question, direction = divmod(question_key, len(DIRECTIONS))
        to_images = direction == 0
        if place == 0:
            title = f"QUESTION: {'caption' if to_images else 'image'} {question}"
            return self._item(question, title, "", is_image=not to_images)
        ranked = ranked_candidates(self.run.retrieval, DIRECTIONS[direction], question, place)
        item, true = int(ranked.candidates[-1]), bool(ranked.true[-1])
        note = f"{'TRUE, ' if true else ''}score {ranked.score[-1]:.3f}"
        return self._item(item, f"place {place}", note, is_image=to_images, true=true)

    # --- parts ---

    @property
    def _places(self) -> int:
        return 1 + max(self.run.retrieval.images.shape[1], self.run.retrieval.captions.shape[1])

    def _keys(self, ranked: RankedCandidates) -> list[int]:
        first = (ranked.query * len(DIRECTIONS) + DIRECTIONS.index(ranked.direction)) * self._places
        return list(range(first, first + 1 + len(ranked.candidates)))

    def _item(self, number: int, title: str, note: str, is_image: bool, true: bool = False) -> str:
        image = self.run.image(number, "test") if is_image else None
        absent = " (not at hand here)" if image is None else ""
        text = f"image {number}{absent}" if is_image else self.run.retrieval.texts[number]
        made = card(title, text, image, note)
        return f"<div style='outline:4px solid black'>{made}</div>" if true else made

    def _asked(self, ranked: RankedCandidates) -> str:
        if ranked.direction == TO_IMAGES:
            return f"Caption {ranked.query} asks: “{self.run.retrieval.texts[ranked.query]}”"
        return f"Image {ranked.query} asks; it has {len(self.captions_of[ranked.query])} true captions."

    def _placed(self, ranked: RankedCandidates, k: int) -> str:
        if ranked.rank == 0:
            return "It has no true answer."
        hit = "a hit" if ranked.rank <= k else "no hit"
        tie = " (behind a wrong answer of equal score: ties count against us)" if ranked.tied else ""
        return f"The best true answer is at place {ranked.rank} of {ranked.among}{tie}: {hit} for R@{k}."
