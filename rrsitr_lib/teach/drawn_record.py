"""An invented record of training, of which the truth is known: exercise 07 looks for its mismatched pairs."""

import numpy as np


def drawn_record(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A record as of contrastive training: loss (12, 200) and which of the 200 pairs are mismatched, (200,) bool.

    True pairs are learned, the hard ones slowly; mismatched pairs stay near chance level and are memorised at last.
    Now and then a pair meets a batch full of look-alikes, and its loss leaps for this one epoch.
    """
    epochs, pairs = 12, 200
    generator, epoch = np.random.default_rng(seed), np.arange(epochs)[:, None]
    mismatched = generator.random(pairs) < 0.25
    slow, quick = generator.uniform(0.12, 0.2, pairs), generator.uniform(0.3, 0.9, pairs)
    pace = np.where(generator.random(pairs) < 0.3, slow, quick)
    learned = 19 * np.exp(-pace * epoch)
    memorised = 19 / (1 + np.exp(2.5 * (epoch - epochs + generator.uniform(1.5, 3, pairs))))
    loss = np.where(mismatched, memorised, learned) + generator.normal(0, 1.2, (epochs, pairs))
    leaps = (generator.random((epochs, pairs)) < 0.08) * generator.uniform(40, 160, (epochs, pairs))
    return np.clip(loss, 0.05, None) + leaps, mismatched
