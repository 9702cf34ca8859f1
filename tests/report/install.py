"""Chromium for the tests that look at pages: the operating system's, installed where that is possible."""

import os
import shutil
import subprocess

from tests.report.browser import PROGRAMS

INSTALL = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "chromium", "chromium-driver"]


def chromium() -> bool:
    """Whether it is there now. Debian's package, as root; other systems have their own ways, which people know."""
    if _is_there():
        return True
    if shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {"DEBIAN_FRONTEND": "noninteractive", **os.environ}
        for command in (["apt-get", "update", "--quiet"], INSTALL):
            subprocess.run(command, check=False, capture_output=True, env=quiet)
    return _is_there()


def _is_there() -> bool:
    return all(map(shutil.which, PROGRAMS))
