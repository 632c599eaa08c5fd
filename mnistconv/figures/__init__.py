"""Every figure of the book, one function each: `from mnistconv import figures`."""

from mnistconv.figures.style import use_style
