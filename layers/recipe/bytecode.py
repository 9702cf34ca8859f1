"""Byte code for the layers.

Their folder is read-only on Lambda: what is not compiled before is compiled again at every cold start.
"""

import subprocess
from pathlib import Path


def compile_layer(folder: Path, interpreter: Path) -> None:
    """Compile everything under `folder` with the runtime's own Python version; other versions' byte code is never read.

    Unchecked hashes, as `sam package` writes 1980 for every file's time and byte code that is checked against it would
    be thrown away. Tracebacks name the files as Lambda has them, under /opt.
    """
    how = ("--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", "/opt", "-q", "-j", "0")
    subprocess.run([str(interpreter), "-I", "-m", "compileall", *how, str(folder)], check=True)
