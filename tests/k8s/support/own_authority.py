"""Certificates of a test's own authority."""

import subprocess
from pathlib import Path


def authority(folder: Path) -> None:
    """``ca.crt`` and ``ca.key`` of one that nobody else trusts."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    _openssl("req", "-x509", *key, "-subj", "/CN=authority", *_written(folder, "ca"))


def certificate(folder: Path, *names: str) -> None:
    """``tls.crt`` and ``tls.key`` for these names, signed by the authority that is there."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    signed = ["-CA", folder / "ca.crt", "-CAkey", folder / "ca.key"]
    said = ["-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={_listed(names)}"]
    plain = ["-addext", "basicConstraints=critical,CA:FALSE"]
    _openssl("req", "-x509", *key, *signed, *said, *plain, *_written(folder, "tls"))


def _listed(names: tuple[str, ...]) -> str:
    return ",".join(f"DNS:{name}" for name in names)


def _written(folder: Path, name: str) -> list[str | Path]:
    return ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt", "-days", "2"]


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
