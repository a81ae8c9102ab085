"""The chart renders under Helm 3 and 4, to what Kubernetes accepts."""

import json

import pytest
import yaml

from scenarios import GKE_VERSION, NEWEST, OLDEST, SCENARIOS, arguments, objects, rendered
from tools import CHART, ROOT, helm, run

TESTS = ROOT / "deploy/tests"
# Kinds that Kubernetes itself does not have: Google's and the Gateway API's, checked below.
FOREIGN = {
    ("cloud.google.com/v1", "BackendConfig"),
    ("gateway.networking.k8s.io/v1", "Gateway"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("net.gke.io/v1", "ServiceExport"),
    ("networking.gke.io/v1", "GCPBackendPolicy"),
    ("networking.gke.io/v1", "HealthCheckPolicy"),
}
# Kinds for which no registry has a schema.
MONITORING = {
    ("monitoring.googleapis.com/v1", "PodMonitoring"): "endpoints",
    ("monitoring.coreos.com/v1", "PodMonitor"): "podMetricsEndpoints",
}
ALERTS = {
    ("monitoring.googleapis.com/v1", "Rules"),
    ("monitoring.googleapis.com/v1", "GlobalRules"),
    ("monitoring.coreos.com/v1", "PrometheusRule"),
}


@pytest.mark.parametrize("major", [3, 4])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_lint(scenario, major):
    done = run(helm(major), "lint", "--strict", CHART, "--kube-version", GKE_VERSION, *arguments(*SCENARIOS[scenario]))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_both_helms_render_the_same(scenario):
    first, second = ({str(o) for o in yaml.safe_load_all(rendered(scenario, major))} for major in (3, 4))
    assert first == second


@pytest.mark.parametrize("major", [3, 4])
def test_a_kubernetes_that_is_too_old_is_refused(major):
    command = [helm(major), "template", CHART, *arguments(*SCENARIOS["trial"]), "--kube-version"]
    done = run(*command, "v1.29.9-gke.1000")
    assert done.returncode != 0 and ">=1.30.0-0" in done.stderr
    assert run(*command, "v1.30.0-gke.1000").returncode == 0


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_kubernetes_accepts_it(scenario, version, tmp_path):
    # The oldest that has volumes of images.
    version = "1.33" if (scenario, version) == ("databases in an image", OLDEST) else version
    file = tmp_path / "rendered.yaml"
    file.write_text(rendered(scenario, kube_version=f"v{version}.0-gke.1"))
    assert problems(file, version) == []


def problems(file, version):
    """What kubernetes-validate says of a file, but for the kinds that are checked otherwise."""
    done = run("kubernetes-validate", "--strict", "-k", version, file)
    lines = (done.stdout + done.stderr).splitlines()
    known = [f"schema for kind {kind} with api version {api} " for api, kind in FOREIGN | MONITORING.keys() | ALERTS]
    told = [line for line in lines if not line.startswith("INFO") and not any(text in line for text in known)]
    assert told or done.returncode == 0, lines
    return told


@pytest.mark.parametrize(
    ("name", "was", "becomes"),
    [
        ("unknown kind", "kind: Deployment", "kind: Deploymentt"),
        ("unknown field", "automountServiceAccountToken", "automountServiceAccountTokens"),
        ("wrong type", "replicas: 1", "replicas: one"),
    ],
)
def test_what_kubernetes_would_not_accept_is_noticed(name, was, becomes, tmp_path):
    file = tmp_path / "rendered.yaml"
    text = rendered("trial")
    assert was in text
    file.write_text(text.replace(was, becomes))
    assert problems(file, NEWEST) != [], name


def foreign_problems(checked):
    done = run("node", TESTS / "check-foreign-kinds.mjs", input=json.dumps(checked))
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("scenario", ["one region", "three regions, home", "three regions, another"])
def test_google_and_the_gateway_api_accept_it(scenario):
    checked = [o for o in objects(scenario) if (o["apiVersion"], o["kind"]) in FOREIGN]
    assert checked and foreign_problems(checked) == []


def test_what_google_would_not_accept_is_noticed():
    (config,) = objects("one region", "BackendConfig")
    config["spec"]["healthCheck"]["port"] = "admin"
    assert foreign_problems([config]) != []
    policy = next(iter(objects("three regions, home", "HealthCheckPolicy")))
    policy["spec"]["default"]["config"]["httpHealthCheck"]["port"] = "admin"
    assert foreign_problems([policy]) != []
    assert foreign_problems([{**policy, "kind": "HealthCheckPolicies"}]) != []


@pytest.mark.parametrize("scenario", ["one region", "a pipeline alone"])
def test_monitoring_names_what_its_operator_reads(scenario):
    found = [o for o in objects(scenario) if (o["apiVersion"], o["kind"]) in MONITORING]
    assert found
    for object in found:
        endpoints = MONITORING[object["apiVersion"], object["kind"]]
        assert set(object["spec"]) == {"selector", endpoints}
        assert object["spec"][endpoints] == [{"port": "admin", "path": "/metrics", "interval": "30s"}]


@pytest.mark.parametrize("scenario", ["telemetry", "a pipeline alone"])
def test_alerts_and_dashboard_are_the_ones_that_are_tested(scenario):
    """promtool and a running Prometheus try those of deploy/dashboards in emulator-tests."""
    rules = [o["spec"] for o in objects(scenario) if (o["apiVersion"], o["kind"]) in ALERTS]
    assert all(spec.keys() == {"groups"} for spec in rules)
    groups = sorted((group for spec in rules for group in spec["groups"]), key=lambda group: group["name"])
    shipped = yaml.safe_load((ROOT / "deploy/dashboards/alerts.yaml").read_text())["groups"]
    assert [group.pop("interval") for group in groups] == ["30s"] * len(shipped)
    assert groups == sorted(shipped, key=lambda group: group["name"]) and len(shipped) > 1
    for rule in (rule for group in groups for rule in group["rules"]):
        assert {"alert", "expr"} <= rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}, rule
    (dashboard,) = [o for o in objects(scenario, "ConfigMap")]
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    ((name, text),) = dashboard["data"].items()
    assert json.loads(text) == json.loads((ROOT / "deploy/dashboards" / name).read_text())


def test_there_is_one_copy_of_alerts_and_dashboard():
    # A chart has to hold its files itself; deploy/dashboards links to them.
    for name in ["alerts.yaml", "listening-together.json"]:
        assert (ROOT / "deploy/dashboards" / name).samefile(CHART / "dashboards" / name), name
