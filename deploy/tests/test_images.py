"""The images are built, started as the chart starts them, serve, and stop in time.

Programs, site and C library are those of this machine, so that no image has to be pulled; the stages that are tested
are the ones that users get. Programs are those of the other tests, or of the directory $IMAGE_PROGRAMS (`make
measure-images`: built as the Dockerfile does it, which takes minutes). Needs root, Buildah, and Podman with runc.
"""

import json
import os
import shutil
import stat
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from plays import addresses, listeners, publish
from tools import CACHE, ROOT, free_address, program, run

PROJECT = "demo"
SERVICES = ["pipeline", "session-api"]
# As the chart's pods: no capabilities, nothing to write to. The limits on open files and processes are ones that may be
# set without privileges.
CONFINED = (
    "--runtime runc --cgroup-manager cgroupfs --read-only --cap-drop all --security-opt no-new-privileges "
    "--ulimit nofile=20000:20000 --ulimit nproc=4096:4096 --network host"
).split()


def checked(*command, **options):
    done = run(*command, **options)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def shipped(name):
    """The path of a service's program."""
    given = os.environ.get("IMAGE_PROGRAMS")
    return Path(given) / name if given else program(name)


def copy_of_this_machines_c_library(directory):
    """What the runtime image has, and what programs need beside it that are not linked as those that users get: the
    libraries that they name, and their loader."""
    needed = {line.split("=>")[-1].split("(")[0].strip() for name in SERVICES for line in
              checked("ldd", shipped(name)).splitlines() if "/" in line}
    for path in [*needed, "/etc/ssl/certs/ca-certificates.crt"]:
        target = directory / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        checked("cp", "--dereference", path, target)


@pytest.fixture(scope="module")
def ingredients(tmp_path_factory):
    """A directory with this machine's programs and site, as the stages that build them leave them."""
    folder = tmp_path_factory.mktemp("ingredients")
    site = ROOT / "website/dist"
    assert (site / "index.html").exists(), "the site is missing: run make site"
    for path in ["programs/out", "site/out"]:
        (folder / path).mkdir(parents=True)
    for name in SERVICES:
        checked("cp", shipped(name), folder / "programs/out")
        if "IMAGE_PROGRAMS" not in os.environ:
            # Ten times as large as what users get.
            checked("strip", folder / "programs/out" / name)
    checked("cp", "-r", site, folder / "site/out/site")
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """An image in the place of the runtime image."""
    directory = tmp_path_factory.mktemp("base") / "base"
    directory.mkdir()
    copy_of_this_machines_c_library(directory)
    file = directory.parent / "Dockerfile"
    file.write_text("FROM scratch\nCOPY . /\n")
    image = "localhost/test-base"
    checked("buildah", "build", "--pull-never", "--quiet", "--file", file, "--tag", image, directory)
    yield image
    run("podman", "rmi", "--force", image)


def build(tag, ingredients, base, *flags, **settings):
    """Builds both images; gives the image of each service."""
    environment = {
        **os.environ,
        "BUILDER": "buildah",
        "BUILDER_FLAGS": " ".join(["--pull-never", "--isolation", "chroot", *flags]),
        "TAG": tag,
        "PROGRAMS": str(ingredients / "programs"),
        "SITE": str(ingredients / "site"),
        "RUNTIME_IMAGE": base,
        **settings,
    }
    checked(ROOT / "deploy/images/build.sh", env=environment)
    return {name: f"localhost/{name}:{tag}" for name in SERVICES}


@pytest.fixture(scope="module")
def images(ingredients, base):
    """Name to image of each service."""
    built = build("test", ingredients, base)
    yield built
    run("podman", "rmi", "--force", *built.values())


@pytest.mark.parametrize("builder", ["docker", "podman", "buildah"])
@pytest.mark.parametrize(("settings", "platform"), [({}, "linux/amd64"), ({"PLATFORM": "linux/arm64"}, "linux/arm64")])
def test_the_builder_is_told_for_which_platform(builder, settings, platform, tmp_path):
    """What nodes run, and not what happens to build: a laptop may have another processor."""
    stub = tmp_path / builder
    stub.write_text('#!/bin/sh\necho "$@"\n')
    stub.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "PLATFORM"}
    environment |= {"PATH": f"{tmp_path}:{os.environ['PATH']}", "BUILDER": builder, **settings}
    lines = checked(ROOT / "deploy/images/build.sh", env=environment).splitlines()
    builds = [line for line in lines if line.startswith("build ")]
    assert len(builds) == len(SERVICES) and all(f"--platform {platform} " in line for line in builds), builds


def labels_of(image):
    """The last parts of the names of an image's OCI labels, and what they say."""
    labels = json.loads(checked("podman", "inspect", image))[0]["Config"]["Labels"]
    return {name.rsplit(".", 1)[1]: value for name, value in labels.items() if "opencontainers" in name}


def test_the_same_programs_make_the_same_images(ingredients, base, images, tmp_path):
    # Files of another time and in another place, from which all is made anew.
    shutil.copytree(ingredients, tmp_path / "copy", copy_function=shutil.copy)
    labels = labels_of(images["pipeline"])
    created = datetime.fromisoformat(labels["created"].replace("Z", "+00:00"))
    settings = {"REVISION": labels["revision"], "SOURCE_DATE_EPOCH": str(int(created.timestamp()))}
    again = build("test-again", tmp_path / "copy", base, "--no-cache", **settings)
    try:
        for service in SERVICES:
            first, second = (checked("podman", "inspect", "--format", "{{.Id}} {{.Digest}}", image) for image in
                             (images[service], again[service]))
            assert first == second, service
    finally:
        run("podman", "rmi", "--force", *again.values())


@contextmanager
def files_of(image):
    """Path to status of every file of an image."""
    mounted = Path(checked("podman", "image", "mount", image).strip())
    try:
        found = (path for path in mounted.rglob("*") if not path.is_dir())
        yield {f"/{path.relative_to(mounted)}": path.lstat() for path in found}
    finally:
        checked("podman", "image", "unmount", image)


def test_an_image_holds_one_program_and_little_else(images, base):
    with files_of(base) as files:
        given = files.keys()
    expected = {
        "pipeline": {"/pipeline", "/licenses/LICENSE", "/licenses/NOTICE"},
        "session-api": {"/session-api", "/licenses/LICENSE", "/licenses/NOTICE", "/site/index.html"},
    }
    for service in SERVICES:
        with files_of(images[service]) as files:
            ours = {path: status for path, status in files.items() if path not in given}
        assert expected[service] <= ours.keys(), service
        others = {path for path in ours.keys() - expected[service] if not path.startswith("/site/")}
        assert not others, f"{service}: {others}"
        # Nobody who runs as the image's user can change them; all can read them.
        modes = {path: stat.S_IMODE(status.st_mode) for path, status in ours.items()}
        wrong = {path: oct(mode) for path, mode in modes.items() if mode & 0o022 or not mode & 0o004}
        assert not wrong, f"{service}: {wrong}"
        assert {status.st_uid for status in ours.values()} == {0}, service
        # The images may have 30 MB and 40 MB, most of it for the programs; `make measure-images` looks at the whole.
        beside = sum(status.st_size for path, status in ours.items() if path != f"/{service}")
        assert beside < 5_000_000, f"{service}: {beside} bytes beside the program"


def test_without_a_builder_it_says_what_to_install(tmp_path):
    for tool in ["bash", "dirname"]:
        (tmp_path / tool).symlink_to(checked("which", tool).strip())
    cases = [
        ({}, "there is no docker, podman or buildah; install one of them"),
        ({"BUILDER": "podman"}, "BUILDER=podman is not installed"),
        ({"BUILDER": "bash"}, "BUILDER=bash: say docker, podman or buildah"),
    ]
    for given, told in cases:
        done = run(ROOT / "deploy/images/build.sh", env={"PATH": str(tmp_path), **given})
        assert done.returncode == 1 and told in done.stderr and len(done.stderr.splitlines()) == 1, done


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_says_what_it_is_and_runs_as_nobody(images, service):
    config = json.loads(checked("podman", "inspect", images[service]))[0]["Config"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == [f"/{service}"] and not config.get("Cmd")
    labels = labels_of(images[service])
    assert {"title", "description", "licenses", "version", "revision", "created"} <= labels.keys()
    assert labels["licenses"] == "Apache-2.0" and labels["version"] in (ROOT / "Cargo.toml").read_text()
    assert labels["revision"] != "unknown" and labels["created"] != "1970-01-01T00:00:00Z"


def answer(address, path):
    """Status and body, or None and why there is none."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        return None, str(error).encode()


class Container:
    """A service in a container, with the ports that it was told."""

    def __init__(self, image, broker, settings, volumes=(), arguments=()):
        self.address, self.admin = free_address(), free_address()
        given = {"GOOGLE_CLOUD_PROJECT": PROJECT, "PUBSUB_EMULATOR_HOST": broker, "ADMIN_ADDR": self.admin, **settings}
        if "session-api" in image:
            given["BIND_ADDR"] = self.address
        words = [word for name, value in given.items() for word in ("--env", f"{name}={value}")]
        mounts = [word for volume in volumes for word in ("--volume", volume)]
        self.started = time.monotonic()
        self.id = checked("podman", "run", "--detach", *CONFINED, *words, *mounts, image, *arguments).strip()

    def logs(self):
        done = run("podman", "logs", self.id)
        return done.stdout + done.stderr

    def wait(self, path, status, meanwhile=lambda: None, seconds=40, admin=False):
        deadline = time.monotonic() + seconds
        while (got := answer(self.admin if admin else self.address, path))[0] != status:
            assert time.monotonic() < deadline, f"{path}: {got} instead of {status}: {self.logs()}"
            meanwhile()
            time.sleep(0.02)
        return got[1]

    def stop(self):
        """Seconds until it has stopped, and its exit code."""
        begin = time.monotonic()
        checked("podman", "stop", "--time", "25", self.id)
        taken = time.monotonic() - begin
        return taken, int(checked("podman", "inspect", "--format", "{{.State.ExitCode}}", self.id))

    def remove(self):
        run("podman", "rm", "--force", "--time", "0", self.id)


@pytest.mark.parametrize("stages", [[], ["locate", "curate"]], ids=["one process", "two stages"])
def test_they_serve_and_stop(images, broker, capsys, stages):
    environment = {**os.environ, "PUBSUB_EMULATOR_HOST": broker, "GOOGLE_CLOUD_PROJECT": PROJECT}
    checked(ROOT / "deploy/local/provision.sh", env=environment)
    databases = CACHE / "databases"
    checked(program("make-demo-databases"), "--out", databases)
    found = addresses(databases / "demo-city.mmdb")
    given = {"GEOIP_CITY_DB": "/databases/demo-city.mmdb", "USER_HASH_KEY": "0123456789abcdef" * 4}
    containers = []
    try:
        pipelines = [Container(images["pipeline"], broker, given, [f"{databases}:/databases:ro"], arguments)
                     for arguments in [[stage] for stage in stages] or [[]]]
        containers += pipelines
        replica = Container(images["session-api"], broker, {"REGION": "test", "REPLICA_ID": "a"})
        containers.append(replica)
        for pipeline in pipelines:
            pipeline.wait("/readyz", 200, admin=True)
        seeds = iter(range(10_000))

        def play():
            publish(broker, PROJECT, "plays", listeners(found, next(seeds)))

        body = replica.wait("/api/latest", 200, meanwhile=play)
        assert json.loads(body)["current"]["sessions"][0]["places"]
        assert replica.wait("/readyz", 200, admin=True)
        assert b"<html" in replica.wait("/", 200)
        assert b"session-api-test-a" in subscriptions(broker)

        second = Container(images["session-api"], broker, {"REGION": "test", "REPLICA_ID": "b"})
        containers.append(second)
        second.wait("/readyz", 200, admin=True)
        cold = time.monotonic() - second.started
        with capsys.disabled():
            print(f"\nsession-api, from podman run to ready beside a topic with sessions: {cold:.2f} s")
        assert second.wait("/api/latest", 200)
        second.stop()

        # Well within the 25 s from SIGTERM that the chart gives both.
        for container in [replica, *pipelines]:
            taken, code = container.stop()
            assert code == 0 and taken < 15, f"{code} after {taken:.1f} s: {container.logs()}"
        assert b"session-api-test-a" not in subscriptions(broker), "the replica's subscription is left behind"
    finally:
        for container in containers:
            container.remove()


def subscriptions(broker):
    return answer(broker, f"/v1/projects/{PROJECT}/subscriptions")[1]


@pytest.mark.parametrize(
    ("service", "settings", "told"),
    [
        ("session-api", {"GOOGLE_CLOUD_PROJECT": ""}, "GOOGLE_CLOUD_PROJECT"),
        ("session-api", {"STALE_AFTER": "soon"}, "STALE_AFTER"),
        ("pipeline", {"GEOIP_CITY_DB": "/databases/none.mmdb"}, "GEOIP_CITY_DB"),
        ("pipeline", {"GEOIP_CITY_DB": "/none.mmdb", "SAMPLE_RATE": "2"}, "SAMPLE_RATE"),
    ],
)
def test_a_wrong_setting_ends_it_with_one_line(images, service, settings, told):
    container = Container(images[service], "127.0.0.1:1", settings)
    try:
        assert int(checked("podman", "wait", container.id)) == 2
        assert told in container.logs() and len(container.logs().splitlines()) == 1
    finally:
        container.remove()
