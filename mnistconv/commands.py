"""The commands: list, train, reproduce, table, verdict, fast, export, data, check.

Each imports what it needs when it is called: so help is quick, `data` and `check` live without the
libraries that they do not use, and Ctrl-C ends an import as quietly as anything else.
"""

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from mnistconv.files import try_writing, write_atomically
from mnistconv.places import results_root

MOST = 999_999_999  # epochs, or a seed: more is a slip of the finger

app = typer.Typer(
    help="Train the book's networks on MNIST, fetch the data, look at the environment.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


Board = Annotated[str, typer.Option(help="Which of the boards that `list` names.")]


@app.command(name="list")
def list_runs(board: Board = "article") -> None:
    """Show the runs of a board: hyper-parameters, published figures, ours, all in percent."""
    from mnistconv.experiments import boards, on_board
    from mnistconv.records.scores import format_scoreboard

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
    from mnistconv.devices import pick_device
    from mnistconv.recipes import PLAIN, check_only
    from mnistconv.reproduce.runs import load_data, new_network
    from mnistconv.training import evaluate, fit

    (experiment,) = _experiments([run])
    recipe = experiment.recipe
    check_only(recipe, PLAIN | {"batch_size"}, "`train`")
    for option, value in (("--epochs", epochs), ("--seed", seed)):
        if value is not None and not 0 <= value <= MOST:
            raise ValueError(f"{option} {value}: it must be a whole number from 0 to {MOST:,}.")
    device = pick_device(device)
    net = new_network(recipe, seed)
    if save is not None:
        _check_writable(save, net)
    data, _, test = load_data(recipe)
    history = fit(
        net,
        data,
        test,
        epochs=recipe.epochs if epochs is None else epochs,
        lr=recipe.lr,
        weight_decay=recipe.weight_decay,
        batch_size=recipe.batch_size,
        params=recipe.parameter_groups(net),
        seed=seed,
        device=device,
    )
    is_saved = save is None or _keep(_as_safetensors(net), save, "weights")
    right = round(evaluate(net, *test) * len(test[1]))  # of the weights as they are now
    print(f"{run}, seed {seed}: {right:,} of {len(test[1]):,} test digits right.")
    if not is_saved:
        raise typer.Exit(2)
    if history.steps < history.planned_steps:
        raise typer.Exit(130)


def _experiments(names: Iterable[str]) -> list:
    """The experiments of these names, each once."""
    from mnistconv.experiments import get_experiment

    return [get_experiment(name) for name in dict.fromkeys(names)]


def _as_safetensors(net) -> bytes:
    from safetensors.torch import save

    return save({name: tensor.cpu().contiguous() for name, tensor in net.state_dict().items()})


def _check_writable(path: Path, net) -> None:
    """Raise before the training, not after it, when weights as large as these cannot be written."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"--save {path}: there is no folder {path.parent}: make it first.")
    try_writing(path, _as_safetensors(net))


def _keep(content: bytes, path: Path, what: str) -> bool:
    """Write what took minutes to `path`, or else to a new folder that works; whether it was `path`.

    `what` it is, for the message: "weights".
    """
    try:
        write_atomically(path, lambda temporary: temporary.write_bytes(content))
        print(f"{what.capitalize()} written to {path}.")
        return True
    except OSError as error:
        elsewhere = _keep_elsewhere(content, path.name)
        rest = f"the {what} lie in {elsewhere} instead" if elsewhere else f"the {what} are lost"
        print(f"Error: {error.strerror or error}; {rest}.", file=sys.stderr)
        return False


def _keep_elsewhere(content: bytes, name: str) -> Path | None:
    """Write it to a new folder in the current one, at home or among temporary files: its path."""
    for place in (Path.cwd, Path.home, tempfile.gettempdir):
        try:
            folder = Path(tempfile.mkdtemp(prefix="mnistconv-", dir=place()))
        except (OSError, RuntimeError):  # RuntimeError: there is no home
            continue
        try:
            write_atomically(folder / name, lambda temporary: temporary.write_bytes(content))
            return folder / name
        except OSError:
            folder.rmdir()
    return None


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
        Path | None, typer.Option(help="Folder of records, weights and checkpoints.")
    ] = None,
) -> None:
    """Make the records that are missing: full-length runs, to be stopped and continued at will."""
    from mnistconv.devices import pick_device
    from mnistconv.experiments import on_board
    from mnistconv.fetch import fetch_mnist
    from mnistconv.reproduce import planning, runner, stacked
    from mnistconv.reproduce.recording import check_writable

    results = results_root() if results is None else results
    experiments = _experiments(runs or on_board(board))
    chosen_seeds = None if seeds is None else planning.parse_seeds(seeds)
    if jobs is not None and jobs < 1:
        raise ValueError(f"--jobs {jobs}: at least 1 run at a time.")
    if backend != "local" and device not in ("auto", "cpu"):
        raise ValueError(f"--device {device}: a cluster trains on CPUs; leave --backend out.")
    runner.check_backend(backend, scheduler)
    on_gpu = backend == "local" and runner.runs_on_gpu(device)
    workers = jobs or (stacked.SEEDS_AT_ONCE if on_gpu else runner.default_workers())
    try:
        fetch_mnist()
        todo = planning.plan(experiments, chosen_seeds, results, on_gpu)
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
    from mnistconv.records.scores import format_scoreboard, write_into

    if into is not None and (form, board) != ("text", "article"):
        raise ValueError("--into renews the scoreboard of the article, in Markdown: no other.")
    if into is None:
        print(format_scoreboard(form, board))
    else:
        write_into(into)


@app.command()
def verdict(
    into: Annotated[
        Path | None, typer.Option(help="Renew the verdict in this Markdown page instead.")
    ] = None,
) -> None:
    """Print what each step of the article and of the ablation gained, with its interval."""
    from mnistconv.records.verdict import format_verdict, write_into

    if into is None:
        print(format_verdict())
    else:
        write_into(into)


@app.command()
def fast(
    seeds: Annotated[
        str | None, typer.Option(help="For example 0-4 or 0,2; 0-2, or 0-19 with --into.")
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(help="Time every change too, 20 minutes, and write it all to this file."),
    ] = None,
) -> None:
    """Train the fast recipe on one core, beside the article's loop; print seconds and accuracy."""
    from mnistconv.data import load_mnist
    from mnistconv.reproduce import planning, speed

    if seeds is None:
        seeds = "0-2" if into is None else "0-19"
    chosen = planning.parse_seeds(seeds)
    if into is not None and not into.parent.is_dir():
        raise FileNotFoundError(f"--into {into}: there is no folder {into.parent}: make it first.")
    train, test = load_mnist()
    if into is None:
        print("Processor seconds of one epoch, accuracy on the test digits.", flush=True)
        print(f"\n{speed.describe(*speed.race(train, test, chosen))}")
        return
    try_writing(into, b"")
    print("Processor seconds of one epoch, accuracy; first on held-out digits.", flush=True)
    found = speed.measure(train, test, chosen)
    is_kept = _keep(speed.to_json(found).encode(), into, "times")
    print(f"\n{speed.describe(found.article, found.fast)}")
    if not is_kept:
        raise typer.Exit(2)


@app.command(name="export")
def export_networks(
    into: Annotated[Path, typer.Option(help="Folder to write to; made if it is missing.")] = Path(
        "exported"
    ),
) -> None:
    """Write the trained networks as scripts for a web page and as ONNX, with some test digits."""
    from mnistconv.export import export

    for path in export(into):
        print(f"{path}  {path.stat().st_size / 1e3:,.0f} kB")


@app.command()
def data() -> None:
    """Fetch MNIST if it is missing or damaged, verify it, and say where it lies."""
    from mnistconv.fetch import fetch_mnist

    print(f"MNIST is complete and verified in {fetch_mnist()}.")


@app.command()
def check() -> None:
    """Look at Python, libraries, device, data, write access; say how to mend each problem."""
    from mnistconv import environment

    raise typer.Exit(environment.report())
