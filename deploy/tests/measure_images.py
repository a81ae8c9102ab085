"""How large the images are that users get. Run by `make measure-images`, with programs that are built as the Dockerfile
builds them; the runtime image, which cannot be had everywhere, is counted as what it is said to be.
"""

import os

import pytest

from test_images import base, checked, images, ingredients  # noqa: F401 (fixtures)

# gcr.io/distroless/static-debian12: "around 2 MiB".
RUNTIME_IMAGE_BYTES = 2_200_000


@pytest.mark.parametrize(("service", "limit"), [("session-api", 30_000_000), ("pipeline", 40_000_000)])
def test_size(images, base, capsys, service, limit):  # noqa: F811
    assert os.environ.get("IMAGE_PROGRAMS"), "run make measure-images: debug programs are no measure"
    whole, below = (int(checked("podman", "inspect", "--format", "{{.Size}}", image)) for image in (images[service], base))
    size = whole - below + RUNTIME_IMAGE_BYTES
    with capsys.disabled():
        print(f"\n{service}: {size / 1e6:.1f} MB, of which {RUNTIME_IMAGE_BYTES / 1e6} MB are the runtime image")
    assert size < limit
