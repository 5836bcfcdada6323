# %% [markdown]
# # Report of a study
#
# This notebook is a form. `rrsitr study report` fills in the folder of a study and executes it; the executed copy,
# `report.ipynb`, stands in that folder beside the tables. It trains nothing and reads only what is there: a cell without
# a number is empty.

# %% tags=["parameters"]
STUDY = ""  # folder of a study, runs/laptop; "" shows what an empty report says

# %%

from rrsitr_lib.experiments.results import read_results
from rrsitr_lib.experiments.summary import missing, study_table

results = read_results(STUDY) if STUDY else None
if results is None:
    print("no study was named")
else:
    print(f"{results.study.name}: {results.study.title}")
    print(f"{len(results.done)} of {len(results.runs)} trials are done")
    for trial, reason in results.left_out.items():
        print(f"left out: {trial}: {reason}")

# %% [markdown]
# ## The table
#
# Mean ± deviation (n − 1) over training seeds, in percent. The interval is that of the mean mR over resampled test images:
# what another test set of this size would change. The gain is the difference of mR to contrastive training with the same seeds and
# noise, in points, with its interval. The paper's number stands beside ours with its source, and `differs`
# counts our settings that are not the paper's; only at 0 do the two compare like with like.

# %%
from rrsitr_lib.experiments.report_tables import lines

table = study_table(results) if results else None
lines(table) if results else None

# %% [markdown]
# ## Method against method, pair by pair
#
# Same seed, same mismatched pairs, same test images: `difference` is a method minus the control, in points of mR, with its
# 95 % interval over test images; `wins` counts the seeds at which the method is ahead.

# %%
from rrsitr_lib.experiments.summary import comparison

comparison(results).drop(columns="settings").round(2) if results else None

# %%
from rrsitr_lib.experiments.figures import over_noise
from rrsitr_lib.experiments.study_figures import ablation_bars, ranking_figure, two_variances

over_noise(table, results.runs) if results and results.folders else None

# %%
ablation_bars(table, results.runs) if results and results.folders else None

# %% [markdown]
# ## Which methods the test set can tell apart
#
# Methods by mR over the runs that contrastive training has too, at every noise rate and over all. Two that share a letter, or a bar
# in the figure, are not told apart by these test images, all pairs taken together.

# %%
from IPython.display import Markdown
from rrsitr_lib.experiments.ranking import ranking, ranking_text

ranked = ranking(results) if results else None
Markdown(ranking_text(ranked)) if results else None

# %%
ranking_figure(ranked) if results else None

# %% [markdown]
# ## What moves a result
#
# The deviation over training seeds beside that over draws of the noise, where the study has both. The paper has one draw.

# %%
from rrsitr_lib.experiments.summary import variance

moved = variance(results) if results else None
moved.drop(columns=["protocol", "encoder"]).round(2) if results else None

# %%
two_variances(moved) if results else None

# %% [markdown]
# ## What is missing

# %%
absent = missing(results) if results else []
print(f"{len(absent)} planned trials have no number" + (f": {', '.join(absent[:5])} …" if absent else ""))
assert results is None or len(results.done) + len(absent) == len(results.runs)
