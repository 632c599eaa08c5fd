"""The command line: python -m mnistconv list, train, reproduce, table, export, data, check."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from safetensors.torch import save_file

from mnistconv import environment
from mnistconv import export as exporting
from mnistconv.devices import pick_device
from mnistconv.experiments import boards, get_experiment, on_board
from mnistconv.fetch import fetch_mnist
from mnistconv.files import write_atomically
from mnistconv.recipes import check_only
from mnistconv.records import store
from mnistconv.records.scores import format_scoreboard, write_into
from mnistconv.reproduce import planning, runner, stacked
from mnistconv.reproduce.recording import check_writable
from mnistconv.reproduce.runs import load_data, new_network
from mnistconv.training import fit

FIT_KNOWS = {"network", "epochs", "lr", "training_images", "weight_decay"} | {
    "batch_size",
    "decayed",
    "dense_weight_lr",
    "initialisation",
}

app = typer.Typer(
    help="Train the book's networks on MNIST, fetch the data, look at the environment.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


Board = Annotated[str, typer.Option(help="Which of the boards that `list` names.")]


@app.command(name="list")
def list_runs(board: Board = "article") -> None:
    """Show the runs of a board: hyper-parameters, published figures, ours, all in percent."""
    for experiment in on_board(board).values():
        recipe = experiment.recipe
        rate = f"lr {recipe.lr:g}, weight decay {recipe.weight_decay:g}"
        print(f"{experiment.name:22}{experiment.title}: {rate}")
    print()
    print(format_scoreboard(board=board))
    others = ", ".join(f"--board {other}" for other in boards() if other != board)
    print(f"\nOther boards: {others}" * bool(others))


@app.command()
def train(
    run: Annotated[str, typer.Argument(help="A name from `python -m mnistconv list`.")],
    epochs: Annotated[
        int | None, typer.Option(help="Epochs; the run's own number if left out.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Fixes first weights, order and dropout.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    save: Annotated[
        Path | None, typer.Option(help="Write the trained weights to this .safetensors file.")
    ] = None,
) -> None:
    """Train one run of the table and print the accuracy after each epoch.

    What --epochs says is what is trained: 2 are two passes over the whole training set.
    """
    recipe = get_experiment(run).recipe
    check_only(recipe, FIT_KNOWS, "`train`")
    epochs = recipe.epochs if epochs is None else epochs
    if save is not None:
        _check_writable(save)
    data, _, test = load_data(recipe)
    net = new_network(recipe, seed)
    history = fit(
        net,
        data,
        test,
        epochs=epochs,
        lr=recipe.lr,
        weight_decay=recipe.weight_decay,
        batch_size=recipe.batch_size,
        params=recipe.parameter_groups(net),
        seed=seed,
        device=device,
    )
    if save is not None:
        tensors = {name: tensor.cpu().contiguous() for name, tensor in net.state_dict().items()}
        write_atomically(save, lambda temporary: save_file(tensors, temporary))
        print(f"Weights written to {save}.")
    if history.test_accuracy:
        right = round(history.test_accuracy[-1] * len(test[1]))
        print(f"{run}, seed {seed}: {right:,} of {len(test[1]):,} test digits right.")
    if history.steps < history.planned_steps:
        raise typer.Exit(130)


def _check_writable(path: Path) -> None:
    """Raise before the training, not after it, when the weights cannot be written."""
    if path.is_dir():
        raise IsADirectoryError(f"--save {path} is a folder: name a file in it.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"--save {path}: there is no folder {path.parent}: make it first.")


@app.command()
def reproduce(
    runs: Annotated[
        list[str] | None,
        typer.Argument(help="Names from `python -m mnistconv list`; all of the board if none."),
    ] = None,
    board: Board = "article",
    seeds: Annotated[
        str | None, typer.Option(help="For example 0-4 or 0,2; the planned ones if left out.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(help="Processes at a time (on a GPU: seeds); one per core."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    backend: Annotated[
        str, typer.Option(help="local: this machine; dask or ray: the cluster at --scheduler.")
    ] = "local",
    scheduler: Annotated[str, typer.Option(help="Address of the cluster's scheduler.")] = "",
    results: Annotated[
        Path, typer.Option(help="Folder of records, weights and checkpoints.")
    ] = store.RESULTS,
) -> None:
    """Make the records that are missing: full-length runs, to be stopped and continued at will."""
    experiments = [get_experiment(name) for name in runs or on_board(board)]
    chosen_seeds = None if seeds is None else planning.parse_seeds(seeds)
    if jobs is not None and jobs < 1:
        raise ValueError(f"--jobs {jobs}: at least 1 run at a time.")
    runner.check_backend(backend, scheduler)
    on_gpu = runner.runs_on_gpu(device)
    workers = jobs or (stacked.SEEDS_AT_ONCE if on_gpu else runner.default_workers())
    try:
        fetch_mnist()
        todo = planning.plan(experiments, chosen_seeds, results)
        if not todo:
            print("Nothing is left to do: every planned run has its record.")
            return
        check_writable(results)
        print(planning.describe(todo, workers, results, on_gpu), flush=True)
        if on_gpu:
            code = stacked.run_all(todo, results, pick_device(device), seeds_at_once=workers)
        else:
            code = runner.run_all(todo, results, workers, backend, scheduler)
    except KeyboardInterrupt:
        print("\nStopped. Every finished epoch is kept: the same command goes on from there.")
        raise typer.Exit(130) from None
    raise typer.Exit(code)


@app.command()
def table(
    form: Annotated[str, typer.Option("--format", help="text, markdown or csv.")] = "text",
    into: Annotated[
        Path | None, typer.Option(help="Renew the scoreboard in this Markdown page instead.")
    ] = None,
    board: Board = "article",
) -> None:
    """Print the scoreboard: our records beside the published figures, in percent."""
    if into is None:
        print(format_scoreboard(form, board))
    else:
        write_into(into, board)


@app.command()
def export(
    into: Annotated[Path, typer.Option(help="Folder to write to; made if it is missing.")] = Path(
        "exported"
    ),
) -> None:
    """Write the trained networks as scripts for a web page and as ONNX, with some test digits."""
    for path in exporting.export(into):
        print(f"{path}  {path.stat().st_size / 1e3:,.0f} kB")


@app.command()
def data() -> None:
    """Fetch MNIST if it is missing or damaged, verify it, and say where it lies."""
    print(f"MNIST is complete and verified in {fetch_mnist()}.")


@app.command()
def check() -> None:
    """Look at Python, libraries, device, data, write access; say how to mend each problem."""
    findings = environment.examine()
    for finding in findings:
        print(finding)
    problems = sum(not finding.is_good for finding in findings)
    if problems:
        print(f"\n{problems} to mend.")
        raise typer.Exit(1)
    print("\nAll well: open notebooks/01_convolution.ipynb.")


def main() -> None:
    """Run the command line; an error that a user can mend is one sentence and exit code 2."""
    runner.warn_plainly()
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except (ValueError, OSError, FloatingPointError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stop like any Ctrl-C
    main()
