"""Every test process: one thread, no progress bars; the real digits, the built site, a browser."""

import os
from pathlib import Path

os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import tools
import torch
from filelock import FileLock
from hypothesis import settings
from sites import QUIET, Node, Windows, build, served

from mnistconv import export, load_mnist
from mnistconv.reproduce import runs

torch.set_num_threads(1)
settings.register_profile("book", deadline=None, derandomize=True, database=None, max_examples=50)
settings.load_profile("book")


@pytest.fixture(scope="session")
def mnist():
    """`(train_images, train_labels), (test_images, test_labels)`, the real ones."""
    return load_mnist()


@pytest.fixture(scope="session")
def few(mnist):
    """The first 1,000 training digits: `(images, labels)`."""
    (images, labels), _ = mnist
    return images[:1000], labels[:1000]


@pytest.fixture
def little_data(mnist, monkeypatch):
    """MNIST, shrunk to 95 training and 100 test images, for every run of this process."""
    (images, labels), (test_images, test_labels) = mnist
    data = (images[:95], labels[:95]), (test_images[:100], test_labels[:100])
    monkeypatch.setattr(runs, "load_mnist", lambda: data)
    monkeypatch.setattr("mnistconv.records.record.TEST_IMAGES", 100)
    return data


@pytest.fixture(scope="session")
def exported(tmp_path_factory) -> Path:
    """What the page "Draw a digit" loads, written into a folder of its own."""
    folder = tmp_path_factory.mktemp("exported")
    export.export(folder)
    return folder


@pytest.fixture(scope="session")
def node(exported):
    """Call it with JavaScript that asks the site's own scripts; see tests/site/answer.js."""
    process = Node(exported)
    yield process
    process.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The built site; one build for all test processes."""
    run = tmp_path_factory.getbasetemp()
    # A process of pytest-xdist has its own folder, inside of that of the whole run.
    shared = (run.parent if "PYTEST_XDIST_WORKER" in os.environ else run) / "site"
    with FileLock(str(shared) + ".lock"):
        if not (shared / "built").exists():
            finished = build(shared / "html")
            assert finished.returncode == 0, finished.stderr
            (shared / "built").touch()
    return shared / "html"


@pytest.fixture(scope="session")
def address(site):
    with served(site) as url:
        yield url


@pytest.fixture(scope="session")
def windows():
    with tools.module("playwright.sync_api").sync_playwright() as playwright:
        path = tools.chromium(playwright)
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield Windows(browser)
        browser.close()


@pytest.fixture
def visit(windows):
    """Call it with an address, and `width`, `theme` or `motion`, for a `Visit` there."""
    with windows.visits() as visit:
        yield visit
