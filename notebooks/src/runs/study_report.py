# %% [markdown]
# # Report of a study
#
# This notebook is a form. `rrsitr study report` fills in the folder of a study and executes it; the executed copy,
# `report.ipynb`, stands in that folder beside the tables. It trains nothing and reads only what is there: a cell without
# a number is empty.

# %% tags=["parameters"]
STUDY = ""  # folder of a study, runs/laptop; "" shows what an empty report says

# %%

from rrsitr_lib.experiments.results import missing, open_study, study_table

opened = open_study(STUDY) if STUDY else None
if opened is None:
    print("no study was named")
else:
    print(f"{opened.study.name}: {opened.study.title}")
    print(f"{len(opened.hits)} of {len(opened.runs)} cells are done")
    for cell, reason in opened.left_out.items():
        print(f"left out: {cell}: {reason}")

# %% [markdown]
# ## The table
#
# Mean ± deviation (n − 1) over training seeds, in percent. The interval is that of the mean mR over resampled test images:
# what another test set of this size would change. The gain is the difference of mR to plain training with the same seeds and
# noise, in points, with its interval. The paper's number stands beside ours with its source, and `differs`
# counts our settings that are not the paper's; only at 0 do the two compare like with like.

# %%
from rrsitr_lib.experiments.report_tables import lines

table = study_table(opened) if opened else None
lines(table) if opened else None

# %% [markdown]
# ## Method against method, pair by pair
#
# Same seed, same mismatched pairs, same test images: `difference` is the first method minus the second, in points of mR,
# with its 95 % interval over test images; `wins` counts the seeds at which the first is ahead.

# %%
from rrsitr_lib.experiments.results import comparison

comparison(opened).drop(columns="alike").round(2) if opened else None

# %%
from rrsitr_lib.experiments.study_figures import ablation_bars, over_noise, two_variances

over_noise(table, opened.runs) if opened and opened.hits else None

# %%
ablation_bars(table, opened.runs) if opened and opened.hits else None

# %% [markdown]
# ## What moves a result
#
# The deviation over training seeds beside that over draws of the noise, where the study has both. The paper has one draw.

# %%
from rrsitr_lib.experiments.results import variance

moved = variance(opened) if opened else None
moved.drop(columns=["protocol", "encoder"]).round(2) if opened else None

# %%
two_variances(moved) if opened else None

# %% [markdown]
# ## What is missing

# %%
absent = missing(opened) if opened else []
print(f"{len(absent)} planned cells have no number" + (f": {', '.join(absent[:5])} …" if absent else ""))
assert opened is None or len(opened.hits) + len(absent) == len(opened.runs)
