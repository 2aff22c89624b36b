# Two commands do everything on a fresh machine with Python 3.11 or newer: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: demo test bench format clean

demo: $(VENV)/.installed
	mkdir -p demo
	$(BIN)/attainable zoo build mobilenet_v2 --output demo/mobilenet_v2.onnx --force
	$(BIN)/attainable analyze demo/mobilenet_v2.onnx --output demo/mobilenet_v2.html --force

test: $(VENV)/.installed-dev system
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -n auto

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) demo dist build .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade "pip>=25.1"
	$(PIP) install -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install --group dev
	touch $@

# The browser test needs a Chromium, which Playwright drives; the tests of measuring on another host need an sshd, which
# they start themselves on the loopback. torch-compile's need a C++ compiler. Where only the latter two cannot be had,
# their tests are skipped and say so.
.PHONY: system
system:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	  || $(MAKE) --no-print-directory package PACKAGE=chromium \
	  || (echo "install Chromium for the browser test, then run make test again" >&2; exit 1)
	@PATH="$$PATH:/usr/sbin" command -v sshd >/dev/null || $(MAKE) --no-print-directory package PACKAGE=openssh-server || true
	@command -v c++ >/dev/null || $(MAKE) --no-print-directory package PACKAGE=g++ || true

# Nothing is started: the policy says that services stay down while packages are set up.
.PHONY: package
package:
	@command -v apt-get >/dev/null && apt-get update -qq \
	  && RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $(PACKAGE) >/dev/null
