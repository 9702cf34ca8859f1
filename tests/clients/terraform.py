"""The unmodified terraform, with a provider for AWS that is already on this machine: it is never downloaded."""

import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROVIDER = "registry.terraform.io/hashicorp/aws"
COMMAND_SECONDS = 900.0
TERRAFORM = shutil.which("terraform")


def _places() -> Iterator[Path]:
    """Where folders of providers are kept.

    Terraform's own places (CLI configuration, "Implied local mirror directories" and "Provider plugin cache"), what
    the person's configuration names as a mirror, and /opt, where images put what they add.
    """
    home = Path.home()
    if cache := os.environ.get("TF_PLUGIN_CACHE_DIR"):
        yield Path(cache)
    configuration = Path(os.environ.get("TF_CLI_CONFIG_FILE", home / ".terraformrc"))
    if configuration.is_file():
        yield from map(Path, re.findall(r'(?:path|plugin_cache_dir)\s*=\s*"([^"]+)"', configuration.read_text()))
    yield home / ".terraform.d" / "plugins"
    data = [os.environ.get("XDG_DATA_HOME", str(home / ".local" / "share"))]
    data += os.environ.get("XDG_DATA_DIRS", "/usr/local/share:/usr/share").split(os.pathsep)
    yield from (Path(folder, "terraform", "plugins") for folder in data if folder)
    yield from sorted(Path("/opt").glob("*"))


def _find_mirror() -> Path | None:
    """The first folder that has the provider, unpacked, for this machine."""
    processor = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    built_for = f"{platform.system().lower()}_{processor}"
    return next((place for place in _places() if any(place.glob(f"{PROVIDER}/*/{built_for}/terraform-*"))), None)


MIRROR = _find_mirror()
MISSING = "" if TERRAFORM and MIRROR else "no terraform here" if MIRROR else f"no {PROVIDER} here (TF_PLUGIN_CACHE_DIR)"


@dataclass(frozen=True)
class Terraform:
    """One working directory; every command has to succeed."""

    directory: Path
    environment: Mapping[str, str]
    seconds: float = COMMAND_SECONDS
    """That a command may take."""

    def __call__(self, *arguments: str) -> str:
        assert TERRAFORM, "these tests are not collected without it"
        done = subprocess.run(
            [TERRAFORM, *arguments],
            cwd=self.directory,
            env={"PATH": os.environ["PATH"], "HOME": str(self.directory), **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.seconds,
            check=False,
        )
        assert done.returncode == 0, f"terraform {arguments} -> {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def resources(self) -> list[dict[str, Any]]:
        """What its state holds."""
        root = json.loads(self("show", "-json")).get("values", {}).get("root_module", {})
        return [resource for resource in root.get("resources", []) if resource["mode"] == "managed"]


def configured(
    directory: Path, source: Path, environment: Mapping[str, str], seconds: float = COMMAND_SECONDS
) -> Terraform:
    """A working directory with the files of `source`, initialised from the mirror alone."""
    shutil.copytree(source, directory)
    configuration = directory / "terraformrc"
    configuration.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{MIRROR}"\n  }}\n}}\n')
    terraform = Terraform(
        directory,
        {
            **environment,
            "TF_CLI_CONFIG_FILE": str(configuration),
            "TF_IN_AUTOMATION": "true",
            "TF_CLI_ARGS": "-no-color",
            "CHECKPOINT_DISABLE": "true",
        },
        seconds,
    )
    terraform("init", "-input=false")
    return terraform
