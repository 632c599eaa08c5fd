"""The networks as the page "Draw a digit" has them, in PyTorch."""

from torch import nn

from mnistconv.records import load_network


def network_on_page(name: str) -> nn.Module:
    """The recorded network, its weights rounded to half precision."""
    return load_network(name).half().float()
