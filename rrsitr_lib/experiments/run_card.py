"""The card of a run: what was done, what came out, and what the number does not say, in markdown."""

from pathlib import Path
from typing import Any

from rrsitr_lib.experiments.provenance import FILE as PROVENANCE
from rrsitr_lib.experiments.published_results import paper_differences
from rrsitr_lib.experiments.report_tables import as_markdown
from rrsitr_lib.experiments.run_results import RECALLS, data_name, method_name, read_run
from rrsitr_lib.experiments.uncertainty import recall_error
from rrsitr_lib.files import read_json

TREE = {True: "files differ from the commit", False: "clean", None: "not a checkout"}


def run_card(folder: str | Path) -> str:
    """The card of a finished run as markdown, to stand beside every number that is quoted from it.

    Percentages throughout, chance beside them. Raises ``InputError`` where the run is not finished or damaged.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    run, provenance = read_run(folder), Path(folder) / PROVENANCE
    language = Environment(
        loader=PackageLoader(__package__, ""), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    language.filters |= {"pairs": _pairs, "plain": _plain}
    return language.get_template("run_card.md.jinja").render(
        run=run,
        config=run.config,
        result=run.result,
        method=method_name(run.config),
        data=as_markdown(data_name(run.config)),
        networks=run.facts.get("networks", 1),
        differences=paper_differences(run.config),
        recalls=RECALLS,
        error=recall_error(run.result["test"]["i2t_R@1"], run.test_images),
        origin=_origin(read_json(provenance)) if provenance.exists() else None,
    )


def _plain(value: object) -> object:
    return f"{value:g}" if isinstance(value, float) else as_markdown(value)


def _pairs(mapping: dict[str, Any], form: str = "%s %s", digits: int | None = None) -> str:
    return ", ".join(form % (name, str(value)[:digits]) for name, value in mapping.items())


def _origin(noted: dict[str, Any]) -> dict[str, Any]:
    """Time and energy of all sessions beside what the run noted."""
    sessions = noted["sessions"]
    joules = [session["joules"] for session in sessions]
    seconds = [session["seconds"] for session in sessions if session["seconds"] is not None]
    return {
        "processes": 1,  # where none are noted
        **noted,
        "tree": TREE[noted["code"]["dirty"]],
        "seconds": sum(seconds),
        "killed": len(sessions) - len(seconds),
        "watt_hours": None if None in joules else sum(joules) / 3600,
    }
