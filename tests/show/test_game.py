"""Spot the wrong pair: which pairs are drawn, that nothing tells the truth before the end, and both scores."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import inject_noise, open_data
from rrsitr_lib.errors import InputError
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.model.similarity import cosine_similarity
from rrsitr_lib.show.explorers.game import SpotGame, spot_the_wrong_pair
from rrsitr_lib.show.explorers.stand_in import METADATA_KEY
from rrsitr_lib.show.views.gallery import best_balanced_accuracy
from rrsitr_lib.training.batches import image_items

pytestmark = pytest.mark.usefixtures("few_scenes")
IMAGES = [np.zeros((8, 8, 3), np.uint8)] * 4
FOUR = (IMAGES, ["a <lake>", "a road", "a farm", "a park"], np.array([True, False, True, False]))


@pytest.fixture(scope="module")
def encoder():
    return build_encoder("tiny", pad_tokens="masked")


@pytest.fixture(scope="module")
def data(few_scenes):
    config = RunConfig.build(encoder="tiny", scenes=40, noise_rate=0.5)
    split = open_data(config)["train"]
    return split, inject_noise(config, split.table)


def press(game, what, place=None):
    game.deck._handle_custom_msg({"what": what, "place": game.deck.place if place is None else place}, [])


def test_ten_true_and_ten_mismatched_pairs_of_different_images_are_drawn_by_the_seed(data, encoder):
    split, noise = data
    game, again, other = (spot_the_wrong_pair(split, noise, encoder, seed) for seed in (1, 1, 2))
    assert game.mismatched.sum() == 10 and len(game.mismatched) == 20
    assert list(game.captions) == list(again.captions) and list(game.captions) != list(other.captions)
    assert len({image.tobytes() for image in game.images}) == 20
    assert len(set(game.mismatched[:10])) == 2, "they are mixed"


def test_the_pairs_are_those_that_training_would_see_and_the_cosine_is_the_encoder_s(data, encoder):
    split, noise = data
    game, table = spot_the_wrong_pair(split, noise, encoder), split.table
    seen = table.with_captions(noise.caption_index).captions
    rows = []
    for image, caption, wrong in zip(game.images, game.captions, game.mismatched, strict=True):
        (number,) = np.flatnonzero([np.array_equal(image, one) for one in split.images])
        (row,) = (row for row in np.flatnonzero(table.image_of_row == number) if seen[row] == caption)
        assert noise.mismatched[row] == wrong
        rows.append(row)
    image = encoder.image(image_items(split.images, encoder, augment=False, seed=0).tensor).pooled
    text = encoder.text(encoder.tokenize(seen[rows])).pooled
    own = cosine_similarity(text, image).detach().numpy()[np.arange(20), table.image_of_row[rows]]
    np.testing.assert_allclose(game.cosine, own, atol=1e-5)


def test_one_card_after_the_other_and_the_truth_at_the_end():
    game = SpotGame(np.arange(4), *FOUR, np.array([0.1, 0.5, 0.9, 0.7]))
    for number, said in enumerate(("wrong", "right", "right", "right")):
        assert game.deck.single and game.deck.place == number and not game.deck.verdict
        assert f"{number} of 4 pairs decided" in game.text.value
        assert not any(word in "".join(game.deck.cards) for word in ("MISMATCHED", "true pair", "dashed"))
        press(game, said)
    assert not game.deck.single and ["MISMATCHED" in card for card in game.deck.cards] == [True, False, True, False]
    assert "You: 75% (balanced accuracy)." in game.text.value and game.deck.verdict == game.say()
    assert "by its cosine: 75% at the threshold that suits these pairs best, AUROC 0.50." in game.text.value


def test_undo_takes_back_and_hides_the_truth_again():
    game = SpotGame(np.arange(4), *FOUR, np.zeros(4))
    game.undo()
    for said in ("wrong", "right", "right", "right"):
        press(game, said)
    press(game, "undo")
    assert game.deck.single and game.deck.place == 3 and "MISMATCHED" not in "".join(game.deck.cards)
    press(game, "undo")
    assert game.deck.place == 2 and game.decisions == {0: "wrong", 1: "right"}
    press(game, "previous")
    press(game, "wrong")
    assert game.decisions == {0: "wrong", 1: "wrong"} and game.deck.place == 2
    press(game, "next")
    press(game, "next")
    assert game.deck.place == 3, "there are no other cards"


def test_the_model_s_score_is_of_the_same_pairs(data, encoder):
    game = spot_the_wrong_pair(*data, encoder)
    auroc = roc_auc_score(game.mismatched, -game.cosine)
    best = best_balanced_accuracy(-game.cosine, game.mismatched)
    assert f"{best:.0%} at the threshold" in game.model_in_words and f"AUROC {auroc:.2f}" in game.model_in_words
    assert auroc > 0.6, "before training it finds some of them"


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_without_one_kind_there_is_no_auroc_and_still_a_game(data, encoder, rate):
    split, _ = data
    config = RunConfig.build(encoder="tiny", scenes=40, noise_rate=rate, protocol="derangement")
    noise = inject_noise(config, split.table)
    game = spot_the_wrong_pair(split, noise, encoder)
    for _ in range(10):
        press(game, "wrong")
    assert f"You: {rate:.0%}" in game.text.value and "AUROC" not in game.text.value


def test_noise_over_another_split_is_refused(data, encoder):
    other = open_data(RunConfig.build(encoder="tiny", scenes=41))["train"]
    with pytest.raises(InputError, match="noise over 200 pairs, and 205 pairs: allowed is the same number"):
        spot_the_wrong_pair(other, data[1], encoder)


def test_the_static_twin_shows_all_pairs_without_the_truth():
    game = SpotGame(np.arange(4), *FOUR, np.zeros(4))
    words = [text.get_text() for axis in game.static().axes for text in axis.texts]
    assert words == ["1. a <lake>", "2. a road", "3. a farm", "4. a park"]


def test_where_no_widget_lives_a_sentence_stands_for_the_game():
    game = SpotGame(np.arange(4), *FOUR, np.zeros(4))
    shown, metadata = game.view()._repr_mimebundle_()
    assert "Spot the wrong pair" in shown["text/html"] and metadata[METADATA_KEY] == []
    assert "a &lt;lake&gt;" in game.deck.cards[0]
