"""What the chart tells the services makes an installation that works: its pods' programs, arguments, environment and
probes, as processes of this machine on a broker in memory."""

import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from plays import addresses, listeners, publish
from scenarios import objects
from tools import CACHE, ROOT, free_address, program, run

PROJECT = "my-project"
SECRETS = {("user-hash-key", "user-hash-key"): "0123456789abcdef" * 4}


@pytest.fixture(scope="module")
def databases():
    """A directory with what the databases' volume has."""
    made = run(program("make-demo-databases"), "--out", CACHE / "databases")
    assert made.returncode == 0, made.stderr
    (CACHE / "databases/tracks.csv").write_text("track_id,title,artists,artwork_url\ntrack-0,Lantern Street,A;B,\n")
    return CACHE / "databases"


class Pod:
    """A container of a Deployment as a process: what the kubelet would do, on addresses of its own."""

    def __init__(self, deployment, broker, databases, log):
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        self.name, self.container, self.log = deployment["metadata"]["name"], container, log
        self.grace = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        given = {}
        for variable in container["env"]:
            value = variable.get("value") or self.looked_up(variable.get("valueFrom", {}))
            given[variable["name"]] = re.sub(r"\$\((\w+)\)", lambda found: given[found.group(1)], value)
        paths = {name: value.replace("/databases", str(databases)) for name, value in given.items()}
        ports = {port["name"]: free_address() for port in container["ports"]}
        self.address, self.admin = ports.get("http"), ports["admin"]
        own = {"PUBSUB_EMULATOR_HOST": broker, "ADMIN_ADDR": self.admin}
        if self.address:
            own["BIND_ADDR"] = self.address
        command = [program(container["name"]), *container.get("args", [])]
        with log.open("wb") as file:
            self.process = subprocess.Popen(command, env={**paths, **own}, stdout=file, stderr=file)

    def looked_up(self, source):
        if secret := source.get("secretKeyRef"):
            return SECRETS[secret["name"], secret["key"]]
        if field := source.get("fieldRef"):
            return {"metadata.name": f"{self.name}-0", "spec.nodeName": "node"}[field["fieldPath"]]
        return ""

    def asks(self, path, admin=True):
        """Status and body of an answer."""
        try:
            url = f"http://{self.admin if admin else self.address}{path}"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return None, str(error)

    def until(self, path, admin=True, meanwhile=lambda: None):
        """The body of the first good answer."""
        deadline = time.monotonic() + 60
        while (got := self.asks(path, admin))[0] != 200:
            told = f"{self.name}: {path}: {got}: {self.log.read_text()}"
            assert self.process.poll() is None and time.monotonic() < deadline, told
            meanwhile()
            time.sleep(0.05)
        return got[1]

    def stop(self):
        """The exit code, within the pod's grace period."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=self.grace)


# Names of the Deployments, with the stage that each says it is.
INSTALLATIONS = {
    "trial": {"together-pipeline": "all", "together-session-api": None},
    "two stages, two pods": {
        "together-pipeline-locate": "locate",
        "together-pipeline-curate": "curate",
        "together-session-api": None,
    },
}


@pytest.mark.parametrize("scenario", INSTALLATIONS)
def test_an_installation_shows_what_is_played(scenario, broker, databases, tmp_path):
    environment = {**os.environ, "PUBSUB_EMULATOR_HOST": broker, "GOOGLE_CLOUD_PROJECT": PROJECT}
    provisioned = run(ROOT / "deploy/local/provision.sh", env=environment)
    assert provisioned.returncode == 0, provisioned.stderr
    found, seeds = addresses(databases / "demo-city.mmdb"), iter(range(10_000))

    def play():
        publish(broker, PROJECT, "plays", listeners(found, next(seeds)))

    pods = {}
    try:
        for deployment in objects(scenario, "Deployment"):
            name = deployment["metadata"]["name"]
            pods[name] = Pod(deployment, broker, databases, tmp_path / name)
        assert pods.keys() == INSTALLATIONS[scenario].keys()
        for name, pod in pods.items():
            pod.until(pod.container["livenessProbe"]["httpGet"]["path"])
        body = pods["together-session-api"].until("/api/latest", admin=False, meanwhile=play)
        assert len(json.loads(body)["current"]["sessions"][0]["places"]) >= 2
        for pod in pods.values():
            pod.until(pod.container["readinessProbe"]["httpGet"]["path"])
        stages = {name: re.search(r'^pipeline_stage\{.*?stage="(\w+)"', pod.until("/metrics"), re.MULTILINE)
                  for name, pod in pods.items()}
        assert {name: stage and stage.group(1) for name, stage in stages.items()} == INSTALLATIONS[scenario]
        assert {name: pod.stop() for name, pod in pods.items()} == dict.fromkeys(pods, 0)
    finally:
        for pod in pods.values():
            pod.process.kill()
            pod.process.wait()
