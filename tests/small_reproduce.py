"""The runner on 95 digits, for tests that kill it: python small_reproduce.py RESULTS [SEED ...]"""

import sys
from pathlib import Path

from small import changed

from mnistconv.data import load_mnist
from mnistconv.experiments import EXPERIMENTS
from mnistconv.records import record
from mnistconv.reproduce import runner, runs
from mnistconv.reproduce.planning import Job

EXPERIMENT = changed(EXPERIMENTS["relu"], epochs=30)

(images, labels), (test_images, test_labels) = load_mnist()
few = (images[:95], labels[:95]), (test_images[:100], test_labels[:100])
runs.load_mnist = lambda: few
record.TEST_IMAGES = len(test_labels[:100])
train_epoch = runs.train_epoch


def train_and_tell(net, batches, sgd, history):
    train_epoch(net, batches, sgd, history)
    print(f"trained {current_seed} epoch {len(history.train_loss)}", flush=True)


def do_and_tell(experiment, seed, *arguments):
    global current_seed
    current_seed = seed
    return run(experiment, seed, *arguments)


current_seed, run = None, runner.run
runs.train_epoch, runner.run, runner.LOCK_PATIENCE = train_and_tell, do_and_tell, 60
results, seeds = Path(sys.argv[1]), [int(word) for word in sys.argv[2:]] or [0]
print("ready", flush=True)
sys.exit(runner.run_all([Job(EXPERIMENT, seed, 1.0) for seed in seeds], results, workers=1))
