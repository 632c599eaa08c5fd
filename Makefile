PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready$(if $(filter 1,$(CUDA)),-cuda)
# A file of tests stays in one process: what its tests share (a page, a Node process) starts once.
PYTEST := $(BIN)/python -m pytest -rs -n 2 --dist loadfile
ALLOW_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: lab test test-all book serve reproduce fast notebooks digits cover data check bench bench-site constraints lint clean

## make lab: set everything up, then open JupyterLab on the first notebook; CUDA=1: with that PyTorch
lab: data
	$(BIN)/jupyter lab $(ALLOW_ROOT) notebooks/01_convolution.ipynb

## make test: set everything up, then run the quick tests and every notebook; say what is left out
test: data
	$(PYTEST) tests -m "not slow"
	$(PYTEST) --nbval-lax notebooks

## make test-all: set everything up, then run every test and every notebook
test-all: data
	$(PYTEST) tests
	$(PYTEST) --nbval-lax notebooks

## make book: build the static site into _build/html, strictly, from the stored outputs
book: $(READY)
	$(BIN)/python -m sphinx -n -W --keep-going -q -b html -c site -d _build/doctrees notebooks _build/html
	@echo "The site is in _build/html; make serve shows it."

## make serve: build the site and show it on this machine
serve: book
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html 8000

## make data: fetch and verify MNIST
data: $(READY)
	$(BIN)/python -m mnistconv data

## make check: look at versions, device, data and write access
check: $(READY)
	$(BIN)/python -m mnistconv check

## make reproduce: train what has no record yet, at full length; stop and go on at will
reproduce: data
	$(BIN)/python -m mnistconv reproduce
	$(BIN)/python -m mnistconv reproduce --board ablation
	$(BIN)/python -m mnistconv reproduce --board plateau
	$(BIN)/python -m mnistconv reproduce --board nielsen
	$(BIN)/python -m mnistconv reproduce --board swap
	$(BIN)/python -m mnistconv reproduce --board fast

## make fast: read 99 % of the digits after seconds of training, beside the article's loop
fast: data
	$(BIN)/python -m mnistconv fast

## make notebooks: execute the chapters whose outputs are stale, and bring their text halves into step
notebooks: data
	$(BIN)/python site/execute.py
	$(BIN)/python -m mnistconv table --into README.md
	$(BIN)/python -m mnistconv verdict --into results/README.md
	$(BIN)/python site/lines.py
	$(BIN)/python site/claim.py
	$(BIN)/python -c "from mnistconv import figures; figures.use_style(); figures.scoreboard_dots().savefig('site/_static/scoreboard.svg', metadata={'Date': None})"

## make cover: draw the picture of the site's front page, and the card of a link to it
cover: data
	$(BIN)/python site/cover.py

## make digits: pick the test digits that the page "Draw a digit" carries
digits: data
	$(BIN)/python -c "from pathlib import Path; from mnistconv.export import export_digits; export_digits(Path('site/_static/draw/digits.js'))"

## make bench: time the training loops on this machine; OPTIONS="--rounds 3 --into results/benchmark.md"
bench: data
	$(BIN)/python tests/benchmarks/bench_training.py $(OPTIONS)

## make bench-site: time the chapters, the build of the site and the page "Draw a digit"
bench-site: data
	$(BIN)/python tests/benchmarks/bench_site.py

## make constraints: write down the exact versions installed, after a green `make test-all`
constraints: $(READY)
	echo '# The exact versions of the last green run; written by `make constraints`.' > constraints.txt
	$(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' >> constraints.txt

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	@if [ -d tests/site/node_modules/eslint ]; then npm run --silent --prefix tests/site lint; \
	else echo "The scripts of the site are not checked: npm ci --prefix tests/site brings ESLint."; fi

$(READY): install.py requirements.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
		"Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": make PYTHON=/path/to/python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python install.py $(if $(filter 1,$(CUDA)),--cuda)
	touch $(VENV)/ready $(READY)

clean:
	rm -rf $(VENV) _build .pytest_cache .ruff_cache .hypothesis
