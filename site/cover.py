"""Draw the pictures of the site's front page and of links to it, into `_static/`.

The front page shows a test digit on its way through a recorded network, once for a light page and
once for a dark one; the social card shows digits of the training set.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from mnistconv import figures, load_mnist, to_input
from mnistconv.records import load_network

STATIC = Path(__file__).parent / "_static"
EXPERIMENT, SEED, DIGIT = "relu", 0, 0

figures.use_style()
(training_images, _), (test_images, _) = load_mnist()
net = load_network(EXPERIMENT, SEED)
image = to_input(test_images[DIGIT : DIGIT + 1])[0, 0]
for name, dark in (("light", False), ("dark", True)):
    figure = figures.reading(image, net, dark=dark)
    path = STATIC / f"reading-{name}.svg"
    figure.savefig(path, facecolor="none", bbox_inches=figure.bbox_inches, metadata={"Date": None})
figure = figures.social_card(training_images)
figure.savefig(STATIC / "card.png", bbox_inches=figure.bbox_inches)
