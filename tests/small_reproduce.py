"""`python -m mnistconv reproduce relu` on 95 digits and 30 epochs, for tests that kill it.

python small_reproduce.py RESULTS [OPTION ...]; its workers tell each epoch to the error output.
python small_reproduce.py RESULTS --alone does, without a runner, what the worker of seed 0 does.
"""

import os
import signal
import sys
from pathlib import Path

from small import changed

from mnistconv import streams
from mnistconv.data import load_mnist
from mnistconv.experiments import EXPERIMENTS
from mnistconv.records import record
from mnistconv.reproduce import guards, planning, runner, runs

real_work = runner.work


def work(job, results):
    """What a worker does, with few digits and the patience of a busy machine."""
    (images, labels), (test_images, test_labels) = load_mnist()
    few = (images[:95], labels[:95]), (test_images[:100], test_labels[:100])
    train_epoch = runs.Training.train_epoch

    def train_and_tell(training, batches):
        train_epoch(training, batches)
        epoch = len(training.history.train_loss)
        line = f"trained {job.seed} epoch {epoch} in {os.getpid()}\n"
        sys.stderr.write(line)  # at once: the lines of two processes must not mix

    record.TEST_IMAGES = 100
    runs.load_mnist, guards.LOCK_PATIENCE = lambda: few, 60
    runs.Training.train_epoch = train_and_tell
    return real_work(job, results)


if __name__ == "__main__":
    import small_reproduce  # this file as its workers import it

    from mnistconv.__main__ import main

    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)
    record.TEST_IMAGES = 100
    EXPERIMENTS["relu"] = changed(EXPERIMENTS["relu"], epochs=30)
    planning.calibrate = lambda network: lambda training_images: 1.0
    runner.work = small_reproduce.work
    streams.make_steady()
    results, *options = sys.argv[1:]
    if options == ["--alone"]:
        sys.exit(work(planning.Job(EXPERIMENTS["relu"], 0, 1.0), Path(results)))
    sys.argv = ["mnistconv", "reproduce", "relu", "--device", "cpu", "--results", results, *options]
    main()
