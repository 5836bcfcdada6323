"""Four named noise protocols: the authors' own bit for bit, and what each of the other three promises."""

import itertools
import signal
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import REFERENCE, needs_splits
from oracles import shuffle as by_lists

from rrsitr_lib.data.noise import PROTOCOLS, inject, shuffle
from rrsitr_lib.data.pairs import read_csv
from rrsitr_lib.errors import InputError

RATES = (0.2, 0.4, 0.6, 0.8)
CLASSES = ("airport", "beach", "dense_residential", "farm land")


def table(images=40, captions=5, classes=CLASSES):
    """Image ids of the benchmarks' kind with ``captions`` rows each, and a sentence of its own for every row."""
    ids = np.repeat([f"{classes[k % len(classes)]}_{k}.jpg" for k in range(images)], captions)
    return ids, np.array([f"sentence {row}" for row in range(len(ids))])


def counted(values):
    return np.unique(values, return_inverse=True)[1]


def assert_truthful(noise, ids, captions=None):
    """``mismatched`` says row by row whether the caption is one of the row's own image, by sentence or by source."""
    own = {}
    for image, text in zip(ids, ids if captions is None else captions, strict=True):
        own.setdefault(image, set()).add(text)
    source = ids if captions is None else captions
    expected = [source[index] not in own[image] for image, index in zip(ids, noise.caption_index, strict=True)]
    assert noise.mismatched.tolist() == expected
    assert noise.realised_rate == pytest.approx(np.mean(expected))


# --- the authors' protocol ---


@pytest.fixture(scope="module")
def rsitmd():
    return read_csv(REFERENCE / "rsitmd" / "train_nc00.csv.gz")


@needs_splits
@pytest.mark.parametrize(("rate", "sha"), [(0.0, "0f98932e"), (0.2, "fe6df0e0"), (0.4, "fca7be56")])
def test_authors_rsitmd_splits_row_by_row(rsitmd, rate, sha):
    noise = inject(rsitmd.image_ids, rate, captions=rsitmd.captions)
    theirs = read_csv(REFERENCE / "rsitmd" / f"train_nc{round(rate * 10):02d}.csv.gz")
    ours = rsitmd.with_captions(noise.caption_index)
    assert (ours.captions == theirs.captions).all() and (ours.image_ids == theirs.image_ids).all()
    assert ours.captions_sha256.startswith(sha)


@needs_splits
@pytest.mark.parametrize(("rate", "realised"), list(zip(RATES, (19.99, 39.98, 59.98, 79.98), strict=True)))
def test_authors_rsitmd_realised_rates(rsitmd, rate, realised):
    noise = inject(rsitmd.image_ids, rate, captions=rsitmd.captions)
    assert round(100 * noise.realised_rate, 2) == realised
    assert noise.realised_rate < rate
    assert_truthful(noise, rsitmd.image_ids, rsitmd.captions)


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 10, 101, 2000])
@pytest.mark.parametrize("rate", [0, 0.1, 0.2, 0.33, 0.4, 0.5, 0.6, 0.8, 0.99, 1])
@pytest.mark.parametrize("seed", [0, 42, 2**32 - 1])
def test_shuffle_is_the_text_with_plain_lists(rows, rate, seed):
    assert shuffle(rows, rate, seed).tolist() == by_lists(rows, rate, seed)


# --- what all protocols promise ---


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("rate", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("given", [True, False])
def test_mismatched_is_the_truth(protocol, rate, given):
    ids, captions = table()
    captions = np.array([f"{text[:-1]}" for text in captions]) if given else None  # every ten rows share a sentence
    assert_truthful(inject(ids, rate, protocol, captions=captions), ids, captions)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_rate_zero_changes_nothing(protocol):
    noise = inject(*table()[:1], 0, protocol)
    assert (noise.caption_index == np.arange(200)).all() and not noise.mismatched.any() and noise.realised_rate == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_rate_one_reaches_every_row_it_can(protocol):
    noise = inject(table()[0], 1.0, protocol)
    assert noise.realised_rate == 1.0 if protocol != "shuffle" else 0.9 < noise.realised_rate < 1.0
    assert noise.rate == 1.0 and len(noise) == 200


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_fingerprint_names_the_indices(protocol):
    ids = table()[0]
    first, again, other = (inject(ids, 0.4, protocol, seed) for seed in (1, 1, 2))
    assert first.fingerprint == again.fingerprint and (first.caption_index == again.caption_index).all()
    assert first.fingerprint != other.fingerprint
    assert first.fingerprint != inject(ids, 0.6, protocol, 1).fingerprint
    assert len(first.fingerprint) == 64 and first.caption_index.dtype == np.int64


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_global_generator_is_neither_read_nor_moved(protocol):
    np.random.seed(5)  # noqa: NPY002 - the legacy global state is what is being watched
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    inject(table()[0], 0.4, protocol)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@pytest.mark.parametrize("protocol", ["shuffle", "derangement", "image"])
def test_ids_of_any_kind_give_the_same_noise(protocol):
    ids, captions = table()
    numbers = counted(ids)
    kinds = [ids, ids.tolist(), ids.astype(object), numbers, numbers.astype(np.uint8), numbers.tolist()]
    found = [inject(kind, 0.4, protocol, captions=texts) for kind in kinds for texts in (captions, captions.tolist())]
    assert len({noise.fingerprint for noise in found}) == 1


# --- derangement ---


@pytest.mark.parametrize("rate", [0.01, 0.2, 0.333, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("repeated", [False, True])
def test_derangement_has_the_exact_rate(rate, repeated):
    ids, captions = table(60)
    if repeated:
        captions = np.array([f"sentence {row % 37}" for row in range(len(ids))])
    noise = inject(ids, rate, "derangement", captions=captions)
    assert noise.mismatched.sum() == round(len(ids) * rate)
    assert sorted(noise.caption_index) == list(range(len(ids)))
    assert ((noise.caption_index != np.arange(len(ids))) == noise.mismatched).all()
    assert_truthful(noise, ids, captions)


def partitions(total, largest=None):
    """All ways to write ``total`` as a sum of descending positive numbers."""
    if total == 0:
        yield ()
    for first in range(min(total, largest or total), 0, -1):
        yield from ((first, *rest) for rest in partitions(total - first, first))


def exchangeable(images, texts, count):
    """Whether some ``count`` rows can exchange captions so that none gets a sentence of its own image."""
    own = {image: {text for other, text in zip(images, texts, strict=True) if other == image} for image in images}
    return any(
        all(texts[source] not in own[images[row]] for row, source in zip(rows, sources, strict=True))
        for rows in itertools.combinations(range(len(images)), count)
        for sources in itertools.permutations(rows)
    )


def check_small(images, texts, captions):
    for count in range(len(images) + 1):
        rate = count / len(images)
        possible = exchangeable(images, texts, count) and (count == 0 or len(set(images)) > 1)
        try:
            noise = inject(images, rate, "derangement", captions=captions)
        except InputError:
            assert not possible, (images, captions, count)
        else:
            assert possible and noise.mismatched.sum() == count, (images, captions, count)
            assert sorted(noise.caption_index) == list(range(len(images)))


@pytest.mark.parametrize("rows", range(1, 7))
def test_derangement_of_every_small_table_succeeds_or_says_why_not(rows):
    for sizes in partitions(rows):
        images = [image for image, size in enumerate(sizes) for _ in range(size)]
        check_small(images, list(range(rows)), None)


@pytest.mark.parametrize(
    "table", ["ab xx", "aab xxx", "aab xyx", "aab xxy", "abc xxy", "aabb xyxz", "aabb xxyy", "aabb xyzy", "abcd xxyy"]
)
def test_derangement_of_small_tables_with_repeated_sentences(table):
    images, captions = map(list, table.split())
    check_small(images, captions, captions)


def test_derangement_soon_says_that_there_is_none():
    """Three quarters of the rows show one image: nobody should wait minutes to hear that not all can be exchanged."""

    def give_up(*_):
        raise TimeoutError("no answer within ten seconds")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(10)
    try:
        with pytest.raises(InputError, match="no exchange gives each of them"):
            inject(np.repeat(["a", "b"], [1500, 500]), 1.0, "derangement")
    finally:
        signal.alarm(0)


@pytest.mark.parametrize("seed", range(10))
def test_derangement_finds_the_few_exchanges_of_a_lopsided_table(seed):
    """One image has nearly all rows: only an exchange with the one foreign row will do, and there is one."""
    noise = inject(["a"] * 60 + ["b"], 2 / 61, "derangement", seed)
    assert noise.mismatched.sum() == 2 and noise.mismatched[60]


# --- image ---


SCATTERED = np.random.default_rng(0).permutation(np.repeat([f"i{k}" for k in range(8)], range(8)))


@pytest.mark.parametrize(("ids", "rate"), [*((table()[0], rate) for rate in (0.05, 0.5, 1.0)), (SCATTERED, 1.0)])
def test_images_exchange_all_their_captions(ids, rate):
    noise, partners = inject(ids, rate, "image", seed=3), {}
    for image in dict.fromkeys(ids):
        rows = np.flatnonzero(ids == image)
        (partners[image],) = set(ids[noise.caption_index[rows]])
        theirs = np.flatnonzero(ids == partners[image])
        wanted = [theirs[k % len(theirs)] for k in range(len(rows))]
        assert noise.caption_index[rows].tolist() == wanted, "row k gets caption k, or the next one that there is"
    assert set(partners.values()) == set(partners)
    assert sum(image != partner for image, partner in partners.items()) == round(len(partners) * rate)


# --- hard ---


def class_of(image):
    return image.rsplit("_", 1)[0]


@pytest.mark.parametrize("rate", [0.2, 0.5, 1.0])
def test_hard_captions_come_from_another_image_of_the_class(rate):
    ids, captions = table()
    noise = inject(ids, rate, "hard", captions=captions)
    assert noise.mismatched.sum() == round(len(ids) * rate)
    for row in np.flatnonzero(noise.mismatched):
        source = ids[noise.caption_index[row]]
        assert source != ids[row] and class_of(source) == class_of(ids[row])
    assert (noise.caption_index[~noise.mismatched] == np.flatnonzero(~noise.mismatched)).all()


def test_hard_captions_are_drawn_evenly():
    ids = np.array(["a_0", "a_1", "a_2", "a_2"])
    drawn = Counter(int(inject(ids, 1.0, "hard", seed).caption_index[0]) for seed in range(600))
    assert set(drawn) == {1, 2, 3} and all(150 < times < 250 for times in drawn.values())


def test_hard_draws_from_all_where_a_class_has_one_image():
    ids = np.array(["lonely_0", "lonely_0", *(f"farm_{k}" for k in range(6))])
    noise = inject(ids, 1.0, "hard")
    assert noise.mismatched.all() and (noise.caption_index[:2] >= 2).all() and (noise.caption_index[2:] >= 2).all()


def test_hard_avoids_the_sentences_of_the_own_image():
    ids = np.array([f"farm_{k // 2}" for k in range(20)])
    captions = np.array([f"sentence {k % 3}" for k in range(20)])
    noise = inject(ids, 1.0, "hard", captions=captions)
    assert noise.mismatched.all()
    assert_truthful(noise, ids, captions)


def test_hard_finds_classes_by_words_when_names_are_numbers():
    words = {"air": ["planes on a runway", "an airport with planes"], "sea": ["boats in a harbor", "many boats at sea"]}
    kinds = np.repeat(["air", "sea"] * 20, 2)
    ids = np.repeat(np.arange(40), 2)
    captions = np.array([f"{words[kind][row % 2]} number{row}" for row, kind in enumerate(kinds)])
    noise = inject(ids, 0.5, "hard", captions=captions)
    drawn = np.flatnonzero(noise.mismatched)
    assert len(drawn) == 40
    assert (kinds[drawn] == kinds[noise.caption_index[drawn]]).mean() > 0.9  # by chance it would be a half
    assert (ids[drawn] != ids[noise.caption_index[drawn]]).all()


def test_captions_matter_twice_only_where_they_repeat():
    ids, captions = table()
    for protocol in PROTOCOLS:
        with_texts, without = inject(ids, 0.4, protocol, captions=captions), inject(ids, 0.4, protocol)
        assert (with_texts.mismatched == without.mismatched).all()
        assert with_texts.fingerprint == without.fingerprint


def test_a_sentence_the_own_image_has_too_is_no_mismatch():
    ids, captions = np.array(["a", "a", "b", "b"]), np.array(["lake", "road", "lake", "park"])
    spared = 0
    for seed in range(30):
        given, missing = inject(ids, 1.0, captions=captions, seed=seed), inject(ids, 1.0, seed=seed)
        assert_truthful(given, ids, captions)
        assert (given.caption_index == missing.caption_index).all()
        spared += missing.mismatched.sum() - given.mismatched.sum()
    assert spared > 10


# --- for any table ---


@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=12),
    rate=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
    protocol=st.sampled_from(["shuffle", "derangement", "image"]),
)
@settings(max_examples=60, derandomize=True, deadline=None)
def test_any_injection_is_truthful_repeats_by_its_seed_and_disturbs_no_more_than_asked(sizes, rate, seed, protocol):
    ids = np.repeat([f"i{number}" for number in range(len(sizes))], sizes)
    try:
        noise = inject(ids, rate, protocol, seed)
    except InputError:  # a table too small or lopsided for an exchange
        assert protocol != "shuffle"
        return
    assert_truthful(noise, ids, None)
    assert noise.fingerprint == inject(ids, rate, protocol, seed).fingerprint
    moved = np.flatnonzero(noise.caption_index != np.arange(len(ids)))
    if protocol != "image":  # images of unequal counts repeat captions
        assert sorted(noise.caption_index) == list(range(len(ids)))
        assert noise.mismatched.sum() <= len(moved) <= round(rate * len(ids))
    if protocol == "derangement":
        assert noise.mismatched.sum() == round(rate * len(ids))
