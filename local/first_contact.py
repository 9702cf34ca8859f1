"""`make first-contact EMBEDDED=1`: an embedded cloud of its own with the app in it, asked as an account of AWS's is.

Whoever asks does not know that: the environment has an endpoint, a key and a region, as people's have.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from first_contact import __main__ as first_contact
from local.cloud import EmbeddedCloud
from local.serve import DIRECTORY, FOREIGN, as_administrator

LOOK_AGAIN = ("--look-again", "0.2")


@contextmanager
def environment(cloud: EmbeddedCloud) -> Iterator[None]:
    """Of the account's administrator, in place of whatever the shell has for other accounts."""
    known = dict(os.environ)
    for name in (*FOREIGN, "AWS_REGION"):
        os.environ.pop(name, None)
    os.environ.update(as_administrator(cloud))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(known)


def main(argv: Sequence[str]) -> int:
    first_contact.arguments(argv)  # which ends here if they are wrong
    state = DIRECTORY / "first-contact"
    shutil.rmtree(state, ignore_errors=True)
    with EmbeddedCloud(state) as cloud:
        cloud.deploy()
        with environment(cloud):
            return first_contact.main([*argv, *LOOK_AGAIN])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
