"""The images are built, started as the chart starts them, serve, and stop in time.

Programs, site and C library are those of this machine, so that no image has to be pulled; the stages that are tested
are the ones that users get. Needs root, Buildah, and Podman with runc.
"""

import json
import os
import time
import urllib.error
import urllib.request

import pytest

from plays import addresses, listeners, publish
from tools import CACHE, ROOT, free_address, program, run

PROJECT = "demo"
SERVICES = ["pipeline", "session-api"]
TAG = "test"
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


def image_of(name, directory):
    """An image that holds a directory's files and nothing else."""
    file = directory.parent / f"{name}.Dockerfile"
    file.write_text("FROM scratch\nCOPY . /\n")
    checked("buildah", "build", "--pull-never", "--quiet", "--file", file, "--tag", f"localhost/test-{name}", directory)
    return f"localhost/test-{name}"


def copy_of_this_machines_c_library(directory):
    """What the runtime image has: the libraries that the programs name, their loader, and roots of trust."""
    needed = {line.split("=>")[-1].split("(")[0].strip() for name in SERVICES for line in
              checked("ldd", program(name)).splitlines() if "/" in line}
    for path in [*needed, "/etc/ssl/certs/ca-certificates.crt"]:
        target = directory / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        checked("cp", "--dereference", path, target)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Name to image of each service."""
    site = ROOT / "website/dist"
    assert (site / "index.html").exists(), "the site is missing: run make site"
    folder = tmp_path_factory.mktemp("images")
    for path in ["programs/out", "site/out", "base"]:
        (folder / path).mkdir(parents=True)
    for name in SERVICES:
        checked("strip", "-o", folder / "programs/out" / name, program(name))
    checked("cp", "-r", site, folder / "site/out/site")
    copy_of_this_machines_c_library(folder / "base")
    environment = {
        **os.environ,
        "BUILDER": "buildah",
        "BUILDER_FLAGS": "--pull-never --isolation chroot",
        "TAG": TAG,
        "PROGRAMS": image_of("programs", folder / "programs"),
        "SITE": image_of("site", folder / "site"),
        "RUNTIME_IMAGE": image_of("base", folder / "base"),
    }
    checked(ROOT / "deploy/images/build.sh", env=environment)
    yield {name: f"localhost/{name}:{TAG}" for name in SERVICES}
    ours = [f"localhost/{name}:{TAG}" for name in SERVICES]
    run("podman", "rmi", "--force", *ours, *[f"localhost/test-{name}" for name in ["programs", "site", "base"]])


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_says_what_it_is_and_runs_as_nobody(images, service):
    config = json.loads(checked("podman", "inspect", images[service]))[0]["Config"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == [f"/{service}"] and not config.get("Cmd")
    labels = {name.rsplit(".", 1)[1]: value for name, value in config["Labels"].items() if "opencontainers" in name}
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

    def __init__(self, image, broker, settings, volumes=()):
        self.address, self.admin = free_address(), free_address()
        given = {"GOOGLE_CLOUD_PROJECT": PROJECT, "PUBSUB_EMULATOR_HOST": broker, "ADMIN_ADDR": self.admin, **settings}
        if "session-api" in image:
            given["BIND_ADDR"] = self.address
        words = [word for name, value in given.items() for word in ("--env", f"{name}={value}")]
        mounts = [word for volume in volumes for word in ("--volume", volume)]
        self.started = time.monotonic()
        self.id = checked("podman", "run", "--detach", *CONFINED, *words, *mounts, image).strip()

    def logs(self):
        done = run("podman", "logs", self.id)
        return done.stdout + done.stderr

    def wait(self, path, status, meanwhile=lambda: None, seconds=40, admin=False):
        deadline = time.monotonic() + seconds
        while (got := answer(self.admin if admin else self.address, path))[0] != status:
            assert time.monotonic() < deadline, f"{path}: {got} instead of {status}: {self.logs()}"
            meanwhile()
            time.sleep(0.1)
        return got[1]

    def stop(self):
        """Seconds until it has stopped, and its exit code."""
        begin = time.monotonic()
        checked("podman", "stop", "--time", "25", self.id)
        taken = time.monotonic() - begin
        return taken, int(checked("podman", "inspect", "--format", "{{.State.ExitCode}}", self.id))

    def remove(self):
        run("podman", "rm", "--force", "--time", "0", self.id)


def test_they_serve_and_stop(images, broker):
    environment = {**os.environ, "PUBSUB_EMULATOR_HOST": broker, "GOOGLE_CLOUD_PROJECT": PROJECT}
    checked(ROOT / "deploy/local/provision.sh", env=environment)
    databases = CACHE / "databases"
    checked(program("make-demo-databases"), "--out", databases)
    found = addresses(databases / "demo-city.mmdb")
    at_databases = {"GEOIP_CITY_DB": "/databases/demo-city.mmdb"}
    containers = []
    try:
        pipeline = Container(images["pipeline"], broker, at_databases, [f"{databases}:/databases:ro"])
        containers.append(pipeline)
        replica = Container(images["session-api"], broker, {"REGION": "test", "REPLICA_ID": "a"})
        containers.append(replica)
        pipeline.wait("/readyz", 200, admin=True)
        seeds = iter(range(10_000))

        def play():
            publish(broker, PROJECT, "plays", listeners(found, next(seeds)))

        body = replica.wait("/api/latest", 200, meanwhile=play)
        assert json.loads(body)["current"]["sessions"][0]["places"]
        assert replica.wait("/readyz", 200, admin=True)
        assert b"<html" in replica.wait("/", 200)
        assert b"session-api-test-a" in subscriptions(broker)

        for name, container, limit in [("session-api", replica, 9), ("pipeline", pipeline, 10)]:
            taken, code = container.stop()
            assert code == 0 and taken < limit, f"{name}: {code} after {taken:.1f} s: {container.logs()}"
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
