"""What the notebooks' kernels inherit when pytest runs them: short training, no progress bars."""

import os

os.environ.setdefault("MNISTCONV_PROFILE", "test")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
