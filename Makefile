# Two commands on a bare machine: `make tutorial` and `make test`. Both need only Python 3.11 or newer and make.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: tutorial test test-long test-browser lab slides notebooks benchmarks records tiny-weights figures clean

tutorial: $(INSTALLED)  ## run every notebook, write runs/tutorial/index.html, print the comparison table
	$(BIN)/python -m rrsitr_lib.teach.tutorial

test: $(INSTALLED)  ## style, unit, notebook and fault tests, by two processes with one thread each
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

test-long: $(INSTALLED)  ## what make test leaves out: studies and runs of several processes that are killed, cut off and gone on with
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder --long

test-browser: $(INSTALLED)  ## exported pages, a lesson and every explorer in a real browser; installs Debian's chromium where it is missing
	command -v chromium chromedriver >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium chromium-driver; }
	$(BIN)/python -m pytest tests/browser --browser

lab: $(INSTALLED)  ## open JupyterLab on this machine only; the address with its token is printed
	$(BIN)/jupyter lab --ip=127.0.0.1 notebooks

slides: $(INSTALLED)  ## slides of every lesson, and their figures as PNG, for a lecture without network
	$(BIN)/python -m rrsitr_lib.teach.slides --out slides --figures slides/figures

notebooks: $(INSTALLED)  ## write all notebooks from their sources, lessons executed, and the list of the exercises
	$(BIN)/python -m rrsitr_lib.teach.notebooks

benchmarks: $(INSTALLED)  ## ratios against the textbook forms, one table
	$(BIN)/python benchmarks/cpu.py

records: $(INSTALLED)  ## train the runs of the lessons' records anew, and write them and the README's table of them
	$(BIN)/rrsitr study run lesson
	$(BIN)/python -m rrsitr_lib.teach.records runs/lesson
	$(BIN)/rrsitr study table notebooks/records --format csv > results/lesson.csv
	$(BIN)/rrsitr study compare notebooks/records --against rrsitr > results/against_rrsitr/lesson.md

tiny-weights: $(INSTALLED)  ## train the tiny encoder on clean scenes of another seed and put it into the package
	$(BIN)/python -m rrsitr_lib.scenes.pretrain

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; make PYTHON=... names it")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -c constraints.txt -e '.[notebooks,study,site,test,browser]'
	touch $(INSTALLED)

figures: $(INSTALLED)  ## the figures of the README, from the records and results that ship
	$(BIN)/python figures/make.py

clean:  ## remove the environment and all runs
	rm -rf .venv runs
