"""Retrieval: a question of the test split, its ranked answers, and what their scores are made of."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.show.explorers.base import Choice, Control, Explorer, Slider
from rrsitr_lib.show.record import RunRecord, card
from rrsitr_lib.show.views.retrieval import DIRECTIONS, RankedAnswers, ranked_answers, retrieval_figure
from rrsitr_lib.training.ledger import Ledger

SHOWN = 5
TO_PICTURES = DIRECTIONS[0]


class RetrievalExplorer(Explorer):
    """Pick a picture of the test split and ask in both directions: what stands first, why, and where is the truth?

    A question is one sentence of the chosen picture, or the picture itself. Bars are the scores of the best answers,
    global and local part; the truth is framed. The rankings are those of the best validation epoch.
    Taught in: notebooks/01_retrieval
    """

    title = "Retrieval"
    on_page = ("direction", "picture")

    def __init__(self, source: str | Path | Ledger | RunRecord, **given: Any) -> None:
        self.record = RunRecord.open(source)
        self.source = self.record.code
        self._picture = lru_cache(maxsize=256)(self._read_picture)
        self.begin(given)

    def missing(self) -> str:
        """Rankings are written at the end of a run."""
        if self.record.rankings is not None:
            return ""
        return "This run's folder has no rankings: they are written when its last epoch is finished and tested."

    @cached_property
    def captions_of(self) -> list[np.ndarray]:
        """The numbers of every picture's captions; pictures without any are left out of the questions."""
        answers, pictures = self.record.rankings.image_of_caption, len(self.record.rankings.captions)
        order = np.argsort(answers, kind="stable")
        return np.split(order, np.searchsorted(answers[order], np.arange(1, pictures)))

    def controls(self) -> Sequence[Control]:
        """Direction, picture, which of its sentences asks, how many answers."""
        rankings = self.record.rankings
        most = max(map(len, self.captions_of))
        recorded = min(rankings.images.shape[1], rankings.captions.shape[1])
        return (
            Choice("direction", "direction", DIRECTIONS, TO_PICTURES),
            Slider("picture", "picture", 0, len(self.captions_of) - 1, 1, 0, "number in the test split"),
            Slider("sentence", "its sentence", 1, most, 1, 1, "number; asks only for pictures"),
            Slider("k", "answers", 1, recorded, 1, min(SHOWN, recorded), "K"),
        )

    def ranked(self, direction: str, picture: int, sentence: int, k: int) -> RankedAnswers:
        """The answers to the question that the controls name; a picture with fewer sentences asks with its last."""
        own = self.captions_of[picture]
        if direction == TO_PICTURES and not len(own):
            direction = DIRECTIONS[1]
        question = int(own[min(sentence, len(own)) - 1]) if direction == TO_PICTURES else picture
        return ranked_answers(self.record.rankings, direction, question, k)

    def draw(self, direction: str, picture: int, sentence: int, k: int) -> go.Figure:
        """Stacked bars of the best answers."""
        ranked = self.ranked(direction, picture, sentence, k)
        return retrieval_figure(ranked, self._keys(ranked)[1:])

    def say(self, direction: str, picture: int, sentence: int, k: int) -> str:
        """The place of the truth, whether it is a hit, and what the cosine alone would do with these answers."""
        ranked = self.ranked(direction, picture, sentence, k)
        local = f"{ranked.local_part[0] / ranked.score[0]:.0%}" if ranked.score[0] > 0 else "all"
        spread = [float(np.ptp(part)) for part in ranked.parts]
        return (
            f"{self._asked(ranked)} {self._placed(ranked, k)} The local part makes up {local} of the first score. "
            f"Over these answers the global part varies by {spread[0]:.3f}, the local part by {spread[1]:.3f}; "
            f"the cosine alone would put place {int(np.argmax(ranked.global_part)) + 1} first."
        )

    def shown(self, direction: str, picture: int, sentence: int, k: int) -> Sequence[int]:
        """The question, then its answers."""
        return self._keys(self.ranked(direction, picture, sentence, k))

    def card(self, key: int) -> str:
        """Question or answer; ``key`` holds direction, question and place (0 is the question itself)."""
        question_key, place = divmod(key, self._places)
        question, direction = divmod(question_key, len(DIRECTIONS))
        to_pictures = direction == 0
        if place == 0:
            title = f"QUESTION: {'caption' if to_pictures else 'picture'} {question}"
            return self._item(question, title, "", is_picture=not to_pictures)
        ranked = ranked_answers(self.record.rankings, DIRECTIONS[direction], question, place)
        item, true = int(ranked.answers[-1]), bool(ranked.true[-1])
        note = f"{'TRUE, ' if true else ''}score {ranked.score[-1]:.3f}"
        return self._item(item, f"place {place}", note, is_picture=to_pictures, true=true)

    # --- parts ---

    @property
    def _places(self) -> int:
        return 1 + max(self.record.rankings.images.shape[1], self.record.rankings.captions.shape[1])

    def _keys(self, ranked: RankedAnswers) -> list[int]:
        first = (ranked.question * len(DIRECTIONS) + DIRECTIONS.index(ranked.direction)) * self._places
        return list(range(first, first + 1 + len(ranked.answers)))

    def _item(self, number: int, title: str, note: str, is_picture: bool, true: bool = False) -> str:
        picture = self._picture(number) if is_picture else None
        absent = " (not at hand here)" if picture is None else ""
        text = f"picture {number}{absent}" if is_picture else self.record.rankings.texts[number]
        made = card(title, text, picture, note)
        return f"<div style='outline:4px solid black'>{made}</div>" if true else made

    def _read_picture(self, number: int) -> np.ndarray | None:
        return self.record.picture(number, split="test")

    def _asked(self, ranked: RankedAnswers) -> str:
        if ranked.direction == TO_PICTURES:
            return f"Caption {ranked.question} asks: “{self.record.rankings.texts[ranked.question]}”"
        return f"Picture {ranked.question} asks; it has {len(self.captions_of[ranked.question])} true captions."

    def _placed(self, ranked: RankedAnswers, k: int) -> str:
        if ranked.place == 0:
            return "It has no true answer."
        hit = "a hit" if ranked.place <= k else "no hit"
        tie = " (behind a wrong answer of equal score: ties count against us)" if ranked.tied else ""
        return f"The best true answer is at place {ranked.place} of {ranked.among}{tie}: {hit} for R@{k}."
