# %% [markdown]
# # One run
#
# This notebook is a form. `rrsitr study run` fills in its parameters and executes it once for every trial of a study; the
# executed copy, `run.ipynb`, stands beside the folder of the run as its record. It can also be run by itself: the
# values below train two small epochs on drawn scenes.

# %% tags=["parameters"]
DATA = "scenes"  # scenes, rsitmd, rsicd, nwpu, or a folder with tables of pairs
IMAGES = ""  # folder of the images; "" where the data need none
ENCODER = "tiny"  # tiny, lite, vit-b-32
METHOD = "rrsitr"  # any that `rrsitr methods` lists
NOISE_RATE = 0.4  # nominal share of mismatched pairs, 0 to 1
NOISE_SEED = 42  # of the draw of mismatched pairs; 42 is the authors'
SEED = 3  # of the training; the paper's are 3, 13, 25, 42, 65
MORE = {"scenes": 60, "epochs": 2, "warmup_steps": 2}  # any other field of RunConfig
RUN = "runs/one_run"  # folder of the run
THREADS = 1  # of each process; another number may change the last bits
PROCESSES = 1  # that train the run together, one a GPU where there are GPUs; another number may change the last bits
TRIAL = ""  # fingerprint that these parameters must have; "" checks nothing

# %%
import torch
from rrsitr_lib.config import RunConfig
from rrsitr_lib.experiments.execute_trial import check_trial

torch.set_num_threads(THREADS)
fields = {"data": DATA, "images": IMAGES or None, "encoder": ENCODER, "method": METHOD, "noise_rate": NOISE_RATE}
config = RunConfig.build(**fields, noise_seed=NOISE_SEED, seed=SEED, **MORE)
check_trial(TRIAL, config)
print(f"{config.method} on {config.data}, {config.noise_rate:.0%} noise, seed {config.seed}: {config.epochs} epochs")

# %% [markdown]
# ## Training
#
# The folder is claimed by its configuration. A run that was interrupted goes on after its last finished epoch, to the same
# bits on a CPU; a finished one is only read.

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.experiments.provenance import recorded
from rrsitr_lib.experiments.several_processes import train_by

with recorded(RUN, PROCESSES):
    result = train_by(PROCESSES, config, RUN, THREADS)
print(f"test mR {result['test']['mR']:.2f} by the weights of epoch {result['best_epoch']}")

# %% [markdown]
# ## Epoch by epoch

# %% tags=["nbval-ignore-output"]
import pandas as pd

metrics = pd.read_csv(f"{RUN}/metrics.csv")
metrics[["epoch", "warmup", "loss", "auroc", "clean", "ambiguous", "noisy", "val_mR", "seconds"]].round(2)

# %% tags=["nbval-ignore-output"]
from rrsitr_lib.show.figures import curves

curves({METHOD: metrics})

# %% [markdown]
# ## The card
#
# What was done, on what, by which code and machine, what came out, and what the numbers do not say.

# %% tags=["nbval-ignore-output"]
from IPython.display import Markdown
from rrsitr_lib.experiments.run_card import run_card

Markdown(run_card(RUN).replace("# ", "### "))

# %%
assert len(metrics) == config.epochs + 1, "an epoch is missing"
assert metrics["val_mR"][result["best_epoch"]] == metrics["val_mR"][1:].max(), "the best epoch was not chosen"
assert result["test"]["mR"] >= 0 and result["seed"] == SEED
print("all assertions hold")
