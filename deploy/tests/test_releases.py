"""Releases come, change and go, by Helm 3 and 4, on a stand-in for a cluster's API server.

What `helm template` shows is not all: releases wait for what they install, take back what is not ready, share fields
with autoscalers, and leave nothing behind.
"""

import os
import shutil
import time

import pytest

from scenarios import GIVEN, SCENARIOS, arguments
from tools import CHART, helm, run

NAMESPACE = "listening-together"
both_helms = pytest.mark.parametrize("major", [3, 4])

# What an upgrade is told in docs/deploy.md.
UPGRADE = ["upgrade", "together", CHART, "--reset-then-reuse-values"]
# Until something that will not become ready is given up.
IMPATIENT = ["--wait", "--timeout", "6s"]
PATIENT = ["--wait", "--timeout", "60s"]


@pytest.fixture
def release(cluster, tmp_path):
    """Runs Helm on the cluster; returns what it told, or fails unless it was to fail."""
    (tmp_path / "kubeconfig").touch()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("HELM_", "KUBE"))},
        **{f"HELM_{what}_HOME": str(tmp_path / what.lower()) for what in ["CACHE", "CONFIG", "DATA"]},
        "HELM_KUBEAPISERVER": cluster.url,
        "HELM_NAMESPACE": NAMESPACE,
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
    }

    def helmed(major, *words, fails=False):
        done = run(helm(major), *words, env=environment)
        assert (done.returncode != 0) == fails, f"{words}: {done.stdout}{done.stderr}"
        return done.stderr if fails else done.stdout

    return helmed


def install(chart=CHART):
    return ["install", "together", chart, "--create-namespace"]


def running(cluster):
    """The images of the Deployments whose pods are all available, by the Deployments' names."""
    found = {}
    for deployment in cluster.objects("Deployment"):
        spec, status = deployment["spec"], deployment.get("status", {})
        if status.get("availableReplicas") == status.get("updatedReplicas") == spec["replicas"]:
            (found[deployment["metadata"]["name"]],) = {c["image"] for c in spec["template"]["spec"]["containers"]}
    return found


def tags(cluster):
    return {name: image.rsplit(":", 1)[1] for name, image in running(cluster).items()}


def leftovers(cluster):
    return [f"{o['kind']} {o['metadata']['name']}" for o in cluster.objects() if o["kind"] != "Namespace"]


def replicas(cluster, name):
    (found,) = [o for o in cluster.objects("Deployment") if o["metadata"]["name"] == name]
    return found["spec"]["replicas"]


def until(condition, what):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@both_helms
def test_three_values_are_enough_for_a_trial_that_comes_changes_and_goes(cluster, release, major):
    given = [word for value in GIVEN.split(",") for word in ("--set", value)]
    assert len(given) == 6
    notes = release(major, *install(), "-f", CHART / "values-trial.yaml", *given, *PATIENT)
    assert "To see that it works" in notes
    ready = {"together-pipeline": "0.1.0", "together-session-api": "0.1.0"}
    assert tags(cluster) == ready
    release(major, *UPGRADE, "--set", "image.tag=0.2.0", *PATIENT)
    assert tags(cluster) == dict.fromkeys(ready, "0.2.0")
    release(major, "rollback", "together", *PATIENT)
    assert tags(cluster) == ready
    release(major, "uninstall", "together", "--wait")
    assert leftovers(cluster) == []


@both_helms
def test_pods_that_do_not_become_ready_are_named(cluster, release, major):
    values = arguments(SCENARIOS["trial"][0], ["image.tag=never-ready"])
    # Helm 3 says no more than that time is over, unless it is asked for more.
    more = ["--debug"] if major == 3 else []
    told = release(major, *install(), *values, *IMPATIENT, *more, fails=True)
    assert "together-pipeline" in told and "not ready" in told.lower(), told
    release(major, "uninstall", "together", "--wait")
    assert leftovers(cluster) == []


@both_helms
def test_an_upgrade_that_does_not_become_ready_is_taken_back(cluster, release, major):
    release(major, *install(), *arguments(*SCENARIOS["trial"]), *PATIENT)
    before = tags(cluster)
    take_back = {3: "--atomic", 4: "--rollback-on-failure"}[major]
    told = release(major, *UPGRADE, "--set", "image.tag=never-ready", *IMPATIENT, take_back, fails=True)
    assert "rolled back" in told, told
    assert tags(cluster) == before and len(before) == 2


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_shape_becomes_ready_and_leaves_nothing(cluster, release, scenario):
    release(4, *install(), *arguments(*SCENARIOS[scenario]), *PATIENT)
    names = {o["metadata"]["name"] for o in cluster.objects("Deployment")}
    # An autoscaler may be adding pods just now.
    until(lambda: running(cluster).keys() == names, "not all pods become ready")
    assert names
    release(4, "uninstall", "together", "--wait")
    assert leftovers(cluster) == []


@both_helms
def test_the_autoscaler_keeps_its_number(cluster, release, major):
    release(major, *install(), *arguments(*SCENARIOS["one region"]), *PATIENT)
    until(lambda: replicas(cluster, "together-session-api") == 3, "the autoscaler does not scale")
    release(major, *UPGRADE, "--set", "sessionApi.autoscaling.minReplicas=5", *PATIENT)
    until(lambda: replicas(cluster, "together-session-api") == 5, "the autoscaler does not scale")
    release(major, *UPGRADE, "--set", "image.tag=0.2.0", *PATIENT)
    assert replicas(cluster, "together-session-api") == 5
    assert tags(cluster) == {"together-pipeline": "0.2.0", "together-session-api": "0.2.0"}


@both_helms
def test_autoscaling_can_be_turned_on_later(cluster, release, major):
    release(major, *install(), *arguments(*SCENARIOS["trial"]), "--set", "sessionApi.replicas=4", *PATIENT)
    release(major, *UPGRADE, "--set", "sessionApi.autoscaling.enabled=true", *PATIENT)
    until(lambda: replicas(cluster, "together-session-api") == 3, "the autoscaler does not scale")
    release(major, *UPGRADE, "--set", "image.tag=0.2.0", *PATIENT)
    assert replicas(cluster, "together-session-api") == 3


@both_helms
def test_the_pipeline_can_be_divided_and_moved_away(cluster, release, major):
    release(major, *install(), *arguments(*SCENARIOS["one region"]), *PATIENT)
    release(major, *UPGRADE, "-f", CHART / "values-two-stages.yaml", *PATIENT)
    assert parts(cluster) == {"pipeline-locate", "pipeline-curate", "session-api", "geoip-update"}
    release(major, *UPGRADE, "--set", "pipeline.mode=none", *PATIENT)
    assert parts(cluster) == {"session-api", "geoip-update"}
    release(major, "rollback", "together", *PATIENT)
    assert parts(cluster) == {"pipeline-locate", "pipeline-curate", "session-api", "geoip-update"}


@both_helms
def test_one_region_becomes_the_home_of_three(cluster, release, major):
    home = ["upgrade", "--install", "together", CHART, *PATIENT]
    release(major, *home, "--create-namespace", *arguments(*SCENARIOS["one region"]))
    (before,) = cluster.objects("Ingress")
    release(major, *home, *arguments(*SCENARIOS["three regions, home, moving in"]))
    (beside,) = cluster.objects("Ingress")
    assert cluster.objects("Gateway") and beside["metadata"]["uid"] == before["metadata"]["uid"]
    release(major, *home, *arguments(*SCENARIOS["three regions, home"]))
    assert cluster.objects("Gateway") and not cluster.objects("Ingress") + cluster.objects("BackendConfig")
    release(major, "uninstall", "together", "--wait")
    assert leftovers(cluster) == []


def parts(cluster):
    """The parts of the release that have objects."""
    label = "app.kubernetes.io/component"
    return {o["metadata"].get("labels", {}).get(label) for o in cluster.objects()} - {None}


def test_a_number_with_two_owners_would_be_noticed(cluster, release, tmp_path):
    chart = changed_chart(tmp_path, "session-api.yaml", "if not .Values.sessionApi.autoscaling.enabled", "if true")
    release(4, *install(chart), *arguments(*SCENARIOS["one region"]), *PATIENT)
    until(lambda: replicas(cluster, "together-session-api") == 3, "the autoscaler does not scale")
    told = release(4, "upgrade", "together", chart, "--reuse-values", *PATIENT, fails=True)
    assert "conflict" in told and ".spec.replicas" in told, told


def test_a_field_that_kubernetes_does_not_have_would_be_refused(cluster, release, tmp_path):
    chart = changed_chart(tmp_path, "pipeline.yaml", "enableServiceLinks:", "enableServiceLink:")
    told = release(4, *install(chart), *arguments(*SCENARIOS["trial"]), fails=True)
    assert "enableServiceLink" in told, told


def changed_chart(tmp_path, template, was, becomes):
    """A copy of the chart with something wrong in it."""
    copied = tmp_path / "chart"
    shutil.copytree(CHART, copied)
    path = copied / "templates" / template
    assert was in path.read_text()
    path.write_text(path.read_text().replace(was, becomes))
    return copied


def test_a_release_of_helm_3_can_be_carried_on_by_helm_4(cluster, release):
    release(3, *install(), *arguments(*SCENARIOS["one region"]), *PATIENT)
    release(4, *UPGRADE, "--set", "image.tag=0.2.0", *PATIENT)
    wanted = {"together-pipeline": "0.2.0", "together-session-api": "0.2.0"}
    until(lambda: tags(cluster) == wanted, "not all pods are of the new version")
    release(4, "uninstall", "together", "--wait")
    assert leftovers(cluster) == []


def test_without_a_cluster_nothing_passes(cluster, release):
    cluster.close()
    told = release(4, *install(), *arguments(*SCENARIOS["trial"]), *PATIENT, fails=True)
    assert "unreachable" in told or "refused" in told, told
