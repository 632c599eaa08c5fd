"""What the notebooks' kernels inherit when pytest runs them: short training, no progress bars.

Only the chapters are run, not what a reader has put beside them.
"""

import os
import re
from pathlib import Path

HERE = Path(__file__).parent
CHAPTERS = re.findall(r"^[0-9]\w+$", (HERE / "index.md").read_text(encoding="utf-8"), re.M)
collect_ignore = [path.name for path in HERE.glob("*.ipynb") if path.stem not in CHAPTERS]

os.environ.setdefault("MNISTCONV_PROFILE", "test")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
