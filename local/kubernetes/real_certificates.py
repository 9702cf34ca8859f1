"""The files of keys and certificates that one real control plane is started with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from local.kubernetes.certificates import Authority, key_pem, new_key


@dataclass(frozen=True)
class Certificates:
    """Files in PEM, as the flags of kube-apiserver want them."""

    authority: Path
    serving_certificate: Path
    serving_key: Path
    service_account_key: Path


def write_certificates(directory: Path) -> Certificates:
    """Make a new set in the directory; keys are readable by their owner only."""
    authority = Authority.new()
    serving = authority.serving("kube-apiserver")
    return Certificates(
        authority=_write(directory / "ca.crt", authority.certificate_pem),
        serving_certificate=_write(directory / "serving.crt", serving.certificate_pem),
        serving_key=_write(directory / "serving.key", serving.key_pem),
        service_account_key=_write(directory / "service-account.key", key_pem(new_key())),
    )


def _write(path: Path, content: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(content)
    return path
