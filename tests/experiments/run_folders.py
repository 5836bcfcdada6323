"""Run folders as training leaves them, without weights and ledger; retrieval results that are ranks alone."""

import json

import numpy as np

from rrsitr_lib.config import RunConfig
from rrsitr_lib.evaluation import chance_recall
from rrsitr_lib.experiments.run_results import RECALLS
from rrsitr_lib.experiments.study_file import plan
from rrsitr_lib.experiments.study_folder import RUN
from rrsitr_lib.experiments.trials import write_outcome
from rrsitr_lib.training.retrieval_results import RetrievalResults


def write_run(folder, mr=40.0, auroc=0.9, data="scenes", **given):
    """A run folder as training leaves it, without weights and ledger; its third epoch is the best."""
    config = RunConfig.build(**{"encoder": "tiny", "noise_rate": 0.4, "epochs": 8, **given})
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(config.model_copy(update={"data": data}).to_yaml())
    (folder / "run.json").write_text(json.dumps({
        "config": config.fingerprint, "data": {"train": "aa", "val": "bb", "test": "cc"}, "noise": "dd" * 32,
        "pairs": {"train": 4000, "val": 500, "test": 1000}, "versions": {"rrsitr_lib": "0.1.0", "torch": "2"},
        "before": dict.fromkeys(RECALLS, 30.0),
    }))  # fmt: skip
    (folder / "result.json").write_text(json.dumps({
        "method": config.method, "noise_rate": config.noise_rate, "realised_noise_rate": 0.39, "seed": config.seed,
        "best_epoch": 3, "test": dict.fromkeys(RECALLS, mr), "before": dict.fromkeys(RECALLS, 30.0),
        "chance": chance_recall(np.repeat(np.arange(200), 5), 200), "partition": {"auroc": auroc}, "seconds": 12.0,
    }))  # fmt: skip
    (folder / "metrics.csv").write_text("epoch,val_mR,auroc\n1,30,0.8\n2,35,0.85\n3,40,0.9\n4,39,0.88\n")
    return folder


def change(path, **fields):
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def ranked(image_of_caption, image_rank, caption_rank):
    none = np.zeros((0, 1))
    return RetrievalResults(np.array(image_of_caption), none, none, none, np.array(image_rank), none, none, none,
                            np.array(caption_rank), np.array(0.1), np.array([]))  # fmt: skip


def drawn_results(generator, share, images=60):
    """Retrieval results in which a share of the queries is answered at the first place, the others nowhere."""

    def ranks(queries):
        return np.where(generator.random(queries) < share, 1, 50)

    return ranked(np.arange(images).repeat(5), ranks(5 * images), ranks(images))


def finish_trial(place, config, results, metrics=None, **result):
    """A trial's folder as a study leaves it: the run of ``config``, with these answers to the test queries."""
    fields = {name: value for name, value in config.flat().items() if name not in ("preset", "data")}
    write_run(place / RUN, data=config.data, **fields)
    change(place / RUN / "result.json", test=results.recalls(), seconds=10.0, **result)
    if metrics is not None:
        (place / RUN / "metrics.csv").write_text(metrics)
    results.save(place / RUN)
    write_outcome(place, "done", 12.0)


def finished_study(study, root, results_of):
    """A study below ``root`` with all trials finished; ``results_of(config)`` gives a trial's answers."""
    study.save(root / study.name)
    for trial in plan(study):
        finish_trial(root / study.name / trial.name, trial.config, results_of(trial.config))
    return root / study.name
