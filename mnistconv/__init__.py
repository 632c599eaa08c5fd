"""mnistconv: the small package that the book's notebooks define, and then import."""

# ruff: noqa: F401

import sys

# `python -m mnistconv` passes here before its first line: it takes what it needs by itself, so that
# it can say in a sentence that PyTorch is missing, or end in peace at Ctrl-C.
_COMMAND_LINE = sys.argv[:1] == ["-m"] and "mnistconv" in sys.orig_argv

if not _COMMAND_LINE:
    from mnistconv.data import (
        ExtendedDataset,
        expand,
        get_dataset,
        get_extended_dataset,
        get_extended_train_loader,
        get_test_loader,
        get_train_loader,
        identity,
        load_mnist,
        shift_down,
        shift_left,
        shift_right,
        shift_up,
        to_input,
    )
    from mnistconv.devices import pick_device
    from mnistconv.fast import Way, train_once
    from mnistconv.networks import (
        ConvNetSimple,
        ConvNetTwoConvLayers,
        ConvNetTwoConvLayersReLU,
        ConvNetTwoConvTwoDenseLayersWithDropout,
        DenseNet,
        FastNet,
    )
    from mnistconv.training import (
        Batches,
        History,
        evaluate,
        fit,
        predict,
        test_network,
        train_and_test_network,
        train_epoch,
        train_network,
    )
