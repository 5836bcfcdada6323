# %% [markdown]
# # Exercises 01b · What does the local similarity know?
#
# These belong to the [lesson](../01b_local_similarity.ipynb). Write your answer where the stub says so, run the check below it,
# and read what it tells you. The notebook runs to its end even where nothing is written.

# %%
import torch

from rrsitr_lib.teach import checks
from rrsitr_lib.teach.exercise import use

# %% [markdown]
# ## 01b.1 · A norm without padding
#
# *stretch · 20 minutes*
#
# The local similarity of one caption and one image, from two Gram matrices. `text` has shape (words, width), `image`
# (patches, width). Tokens are not normalised yet: the table is to hold cosines. Only the first `length` rows of `text`
# are the caption, the rest is padding, which in the paper takes part. Leave it out. Do not build the table of words
# and patches. Return a tensor with one number.


# %%
def norm_without_padding(text: torch.Tensor, image: torch.Tensor, length: int) -> torch.Tensor:
    """Frobenius norm of the table of token cosines, shape ()."""
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    words = torch.nn.functional.normalize(text[:length], dim=-1)
    patches = torch.nn.functional.normalize(image, dim=-1)
    answer = ((words.T @ words) * (patches.T @ patches)).sum().sqrt()
    ### END SOLUTION
    return answer


# %% tags=["grading"]
def _tokens(rows, width, seed):
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _unit(tokens):
    return torch.nn.functional.normalize(tokens, dim=-1)


def _gram_product(text, image):
    return ((text.T @ text) * (image.T @ image)).sum()


cases = [
    {"text": _tokens(6, 4, 1), "image": _tokens(3, 4, 2), "length": 6},
    {"text": _tokens(6, 4, 3), "image": _tokens(3, 4, 4), "length": 2},
    {"text": _tokens(5, 8, 5), "image": -3 * _tokens(9, 8, 6), "length": 1},
    {"text": torch.eye(4, dtype=torch.float64), "image": torch.eye(4, dtype=torch.float64), "length": 3},
]
first_step = "Keep the first `length` rows, give every token length one, then make a square matrix of each side."
why = """The table of token cosines is never made, and filling tokens no longer count. In this project it is
`pad_tokens: masked`; the paper's form keeps them."""


def with_padding(text, image, length):
    """padding still takes part: all rows of the text count, although only the first `length` are tokens of the
    caption. This is the paper's form, and it favours short captions."""
    return norm_without_padding(text, image, len(text))


def without_root(text, image, length):
    """this is the sum of the squared cosines, the square of the norm. One operation is missing at the end."""
    return norm_without_padding(text, image, length) ** 2


def tokens_of_any_length(text, image, length):
    """tokens of any length take part, so a long vector counts more. The table holds cosines: what must be done to
    every token first?"""
    return _gram_product(text[:length], image).sqrt()


def sum_of_cosines(text, image, length):
    """you add up the cosines, so that positive and negative ones cancel. The norm adds their squares, and that is
    where it loses the sign."""
    return (_unit(text[:length]) @ _unit(image).T).sum().abs()


# %%
checks.norm_without_padding(norm_without_padding)

# %%
norm_without_padding = use(
    norm_without_padding, fallback=checks.norm_without_padding.solution, check=checks.norm_without_padding
)
generator = torch.Generator().manual_seed(0)
patches = torch.randn(16, 32, generator=generator) + 1.0
caption = torch.randn(24, 32, generator=generator) + 0.3
for length in (6, 12, 24):
    print(f"{length:2} words, the rest is padding: norm {norm_without_padding(caption, patches, length):.2f}")
