"""What no schema knows: do the parts fit one another, the services, and the habits of a cluster?"""

import functools
import json
import re
from pathlib import Path

import pytest
import yaml

from scenarios import SCENARIOS, objects, pods
from tools import CHART, ROOT, defaults_of, run

every_scenario = pytest.mark.parametrize("scenario", SCENARIOS)

# How long the services may take to drain, as their sources say; session-api after SHUTDOWN_DELAY.
DRAIN_S = {"pipeline": 10, "session-api": 7}


def containers(scenario):
    for name, _, pod in pods(scenario):
        for container in pod["containers"] + pod.get("initContainers", []):
            yield f"{name}/{container['name']}", pod, container


def services(scenario):
    """The containers of our own services."""
    return [found for found in containers(scenario) if found[2]["name"] in DRAIN_S]


@every_scenario
def test_selectors_select_the_pods_of_one_part(scenario):
    labels = {name: pod_labels for name, pod_labels, _ in pods(scenario)}

    def selected(selector):
        return {name for name, found in labels.items() if selector.items() <= found.items()}

    checked = 0
    for object in objects(scenario):
        spec, own = object.get("spec", {}), object["metadata"]["labels"]["app.kubernetes.io/component"]
        selector = spec.get("podSelector") or spec.get("selector")
        if selector is None:
            continue
        matched = selected(selector.get("matchLabels", selector))
        assert len(matched) == 1 and own in matched.pop(), object
        checked += 1
    for name, _, pod in pods(scenario):
        for constraint in pod.get("topologySpreadConstraints", []):
            assert selected(constraint["labelSelector"]["matchLabels"]) == {name}
    assert checked > 0


@every_scenario
def test_probes_and_services_point_at_ports_that_exist(scenario):
    ports = {}
    for name, labels, pod in pods(scenario):
        (container,) = pod["containers"]
        if container["name"] not in DRAIN_S:
            continue
        here = {port["name"]: port["containerPort"] for port in container["ports"]}
        ports[labels["app.kubernetes.io/component"]] = here
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
            request = container[probe]["httpGet"]
            assert request["port"] in here, f"{name}: {probe}"
            assert request["path"] == ("/readyz" if probe == "readinessProbe" else "/livez"), f"{name}: {probe}"
    for service in objects(scenario, "Service"):
        part = service["metadata"]["labels"]["app.kubernetes.io/component"]
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports[part].keys()
    for policy in objects(scenario, "HealthCheckPolicy"):
        check = policy["spec"]["default"]["config"]["httpHealthCheck"]
        assert (check["port"], check["requestPath"]) == (ports["session-api"]["admin"], "/readyz")
    for config in objects(scenario, "BackendConfig"):
        check = config["spec"]["healthCheck"]
        assert (check["port"], check["requestPath"]) == (ports["session-api"]["admin"], "/readyz")
    for policy in objects(scenario, "NetworkPolicy"):
        part = policy["metadata"]["labels"]["app.kubernetes.io/component"]
        opened = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
        assert opened == ports.get(part, {}).keys(), f"{part}: {opened}"


@pytest.mark.parametrize("service", DRAIN_S)
def test_the_ports_are_those_that_the_services_listen_on(service):
    defaults = defaults_of(service)
    listening = {"admin": defaults["ADMIN_ADDR"], "http": defaults.get("BIND_ADDR")}
    ports = {name: int(address.rsplit(":", 1)[1]) for name, address in listening.items() if address}
    found = [container for _, _, container in services("trial") if container["name"] == service]
    assert [{port["name"]: port["containerPort"] for port in container["ports"]} for container in found] == [ports]


@every_scenario
def test_the_environment_is_what_the_services_read(scenario):
    for name, _, container in services(scenario):
        given = [variable["name"] for variable in container["env"]]
        assert len(given) == len(set(given)), f"{name}: twice: {given}"
        values = [variable.get("value", "") for variable in container["env"]]
        assert all(isinstance(value, str) for value in values), f"{name}: {values}"
        # Variables that hold nothing but a part of others, which come after them.
        parts = {part for value in values for part in re.findall(r"\$\(([A-Z_]+)\)", value)}
        for part in parts:
            user = next(at for at, value in enumerate(values) if f"$({part})" in value)
            assert part in given[:user], f"{name}: {part} comes too late"
        read = defaults_of(container["name"]).keys() | variables_of_opentelemetry() | parts
        assert set(given) <= read, f"{name}: nobody reads {set(given) - read}"


@functools.cache
def variables_of_opentelemetry():
    """The variables that OpenTelemetry's crates, or we beside them, read from the environment."""
    told = run("cargo", "metadata", "--locked", "--format-version", "1", cwd=ROOT)
    assert told.returncode == 0, told.stderr
    packages = [found for found in json.loads(told.stdout)["packages"] if found["name"].startswith("opentelemetry")]
    sources = [file for found in packages for file in (Path(found["manifest_path"]).parent / "src").rglob("*.rs")]
    sources.append(ROOT / "service-runtime/src/telemetry/otlp.rs")
    return {name for file in sources for name in re.findall(r'"(OTEL_[A-Z_]+)"', file.read_text())}


def test_telemetry_can_be_set_as_the_standard_says():
    schema = json.loads((CHART / "values.schema.json").read_text())
    offered = set(schema["properties"]["otel"]["properties"]["settings"]["properties"])
    assert offered <= variables_of_opentelemetry()
    told = {"cloud.region=europe-west1", "k8s.pod.name=$(POD_NAME)", "deployment.environment.name=production"}
    for name, _, container in services("telemetry"):
        given = {variable["name"]: variable.get("value") for variable in container["env"]}
        assert not offered & given.keys() - {"OTEL_METRIC_EXPORT_INTERVAL"}
        assert told <= set(given["OTEL_RESOURCE_ATTRIBUTES"].split(",")), name
        assert given["OTEL_TRACES_SAMPLER_ARG"] == "0.1" and "OTEL_EXPORTER_OTLP_HEADERS" in given, name
        assert given["OTEL_SERVICE_NAME"] == name.split("/")[0].removeprefix("Deployment together-")
    for _, _, container in services("one region"):
        assert not [variable for variable in container["env"] if variable["name"].startswith("OTEL_")]


def test_network_policies_let_telemetry_and_an_emulator_through():
    ways = [("telemetry", 4317), ("trial on an emulator", 8085)]
    for scenario, port in ways:
        for policy in objects(scenario, "NetworkPolicy"):
            part = policy["metadata"]["labels"]["app.kubernetes.io/component"]
            open_to_all = [rule["ports"] for rule in policy["spec"]["egress"] if "to" not in rule]
            assert ([{"port": port}] in open_to_all) == (part != "geoip-update"), (scenario, part)


def test_network_policies_let_names_and_metrics_through_on_every_kind_of_cluster():
    for policy in objects("one region", "NetworkPolicy"):
        (names,) = [rule for rule in policy["spec"]["egress"] if {"port": 53, "protocol": "UDP"} in rule["ports"]]
        assert {"port": 53, "protocol": "TCP"} in names["ports"]
        asked = {peer["ipBlock"]["cidr"] for peer in names["to"] if "ipBlock" in peer}
        # NodeLocal DNSCache, and Cloud DNS.
        assert asked == {"169.254.20.10/32", "169.254.169.254/32"}
        if policy["metadata"]["labels"]["app.kubernetes.io/component"] == "geoip-update":
            continue  # it has no metrics
        (namespaces,) = [
            expression
            for rule in policy["spec"]["ingress"]
            for peer in rule["from"]
            for expression in peer.get("namespaceSelector", {}).get("matchExpressions", [])
        ]
        assert (namespaces["key"], namespaces["operator"]) == ("kubernetes.io/metadata.name", "In")
        # Collectors of Standard clusters, and of Autopilot.
        assert set(namespaces["values"]) == {"gmp-system", "gke-gmp-system"}


@pytest.mark.parametrize("scenario", ["one region", "three regions, home, moving in"])
def test_an_ingress_of_gke_is_told_what_the_gateway_is_told(scenario):
    (ingress,), (config,), (service,) = (objects(scenario, kind) for kind in ["Ingress", "BackendConfig", "Service"])
    assert ingress["metadata"]["annotations"] == {"kubernetes.io/ingress.class": "gce"}
    assert "ingressClassName" not in ingress["spec"]
    annotations = {name: json.loads(text) for name, text in service["metadata"]["annotations"].items()}
    assert annotations == {
        "cloud.google.com/backend-config": {"default": config["metadata"]["name"]},
        "cloud.google.com/neg": {"ingress": True},
    }
    (policy,), (check,) = (objects("three regions, home", kind) for kind in ["GCPBackendPolicy", "HealthCheckPolicy"])
    backend, health = policy["spec"]["default"], check["spec"]["default"]
    probe = health.pop("config")
    assert config["spec"] == {
        "timeoutSec": backend["timeoutSec"],
        "connectionDraining": backend["connectionDraining"],
        "logging": {"enable": backend["logging"]["enabled"]},
        "healthCheck": {
            **health,
            "type": probe["type"],
            "port": probe["httpHealthCheck"]["port"],
            "requestPath": probe["httpHealthCheck"]["requestPath"],
        },
    }


def test_an_ingress_of_another_class_is_left_to_its_annotations():
    (ingress,), (service,) = (objects("everything turned", kind) for kind in ["Ingress", "Service"])
    assert ingress["spec"]["ingressClassName"] == "nginx" and "annotations" not in ingress["metadata"]
    assert "annotations" not in service["metadata"] and not objects("everything turned", "BackendConfig")


def test_replicas_of_all_regions_are_compared_once():
    """Rules of Google Cloud's service see one cluster."""

    def alerts(scenario, kind):
        groups = [group for object in objects(scenario, kind) for group in object["spec"]["groups"]]
        return {rule["alert"] for group in groups for rule in group["rules"]}

    for scenario, compares in {"three regions, home": True, "three regions, another": False}.items():
        assert alerts(scenario, "GlobalRules") == ({"ReplicasDisagree"} if compares else set())
        assert "ReplicaStale" in alerts(scenario, "Rules") and "ReplicasDisagree" not in alerts(scenario, "Rules")
    assert "ReplicasDisagree" in alerts("a pipeline alone", "PrometheusRule")


def test_every_setting_can_be_made():
    """By the chart itself, or by its name in `settings`, and never by both."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    for service, block in {"pipeline": "pipeline", "session-api": "sessionApi"}.items():
        offered = set(schema["properties"][block]["properties"]["settings"]["properties"])
        made = set()
        for scenario in SCENARIOS:
            for _, _, container in services(scenario):
                if container["name"] == service:
                    made |= {variable["name"] for variable in container["env"]}
        made &= defaults_of(service).keys()
        made -= {"SAMPLE_RATE", "MAX_CONNECTIONS", "MAX_DISORDER"}  # which the scenarios give as settings
        # The ports are the chart's: nothing is to be gained from others.
        fixed = {"ADMIN_ADDR", "BIND_ADDR"} & defaults_of(service).keys()
        assert offered | made | fixed == defaults_of(service).keys(), service
        assert not offered & (made | fixed), service


@every_scenario
def test_every_container_is_confined_and_says_what_it_needs(scenario):
    for name, pod, container in containers(scenario):
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 65532, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
        assert "memory" in container["resources"]["limits"], name
        assert not re.search(r":latest$|:$", container["image"]), name


@every_scenario
def test_nothing_needs_a_shell(scenario):
    for name, _, container in services(scenario):
        assert "exec" not in json.dumps(container) and "command" not in container, name


@every_scenario
def test_pods_have_time_to_drain(scenario):
    for name, pod, container in services(scenario):
        sleep = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        told = [variable["value"] for variable in container["env"] if variable["name"] == "SHUTDOWN_DELAY"]
        delay = sum(int(value.removesuffix("s")) for value in told)
        assert len(told) == (container["name"] == "session-api"), name
        assert pod["terminationGracePeriodSeconds"] >= sleep + delay + DRAIN_S[container["name"]] + 10, name


def test_the_drain_times_are_those_of_the_services():
    source = (ROOT / "session-api/src/service.rs").read_text()
    said = re.search(r"DRAIN_LIMIT: Duration = Duration::from_secs\((\d+)\)", source)
    assert int(said.group(1)) == DRAIN_S["session-api"]
    waits = {"drive.rs": "LAST_CONFIRMATIONS", "run.rs": "LAST_ACKS"}
    sources = {file: (ROOT / "pipeline/src" / file).read_text() for file in waits}
    longest = [re.search(rf"{waits[file]}: Duration = Duration::from_secs\((\d+)\)", sources[file]) for file in waits]
    assert sum(int(found.group(1)) for found in longest) <= DRAIN_S["pipeline"]


@every_scenario
def test_the_number_of_replicas_has_one_owner(scenario):
    scaled = {hpa["spec"]["scaleTargetRef"]["name"] for hpa in objects(scenario, "HorizontalPodAutoscaler")}
    deployments = {deployment["metadata"]["name"]: deployment["spec"] for deployment in objects(scenario, "Deployment")}
    assert scaled <= deployments.keys()
    for name, spec in deployments.items():
        assert ("replicas" in spec) != (name in scaled), name
        assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}, name


@every_scenario
def test_at_most_one_pod_makes_sessions(scenario):
    specs = {deployment["metadata"]["name"]: deployment["spec"] for deployment in objects(scenario, "Deployment")}
    curating = specs.keys() & {"together-pipeline", "together-pipeline-curate"}
    assert len(curating) <= 1 and all(specs[name]["replicas"] == 1 for name in curating)


# mode: its parts, with the argument that the program is told
MODES = {
    "trial": {"pipeline": None},
    "two stages": {"pipeline-locate": ["locate"], "pipeline-curate": ["curate"]},
    "two stages, the first one": {"pipeline-locate": ["locate"]},
    "two stages, the second one": {"pipeline-curate": ["curate"]},
    "three regions, another": {},
}


@pytest.mark.parametrize("scenario", MODES)
def test_each_mode_has_its_stages(scenario):
    deployments = objects(scenario, "Deployment")
    parts = {o["metadata"]["labels"]["app.kubernetes.io/component"]: o["spec"]["template"]["spec"] for o in deployments}
    del parts["session-api"]
    assert {part: pod["containers"][0].get("args") for part, pod in parts.items()} == MODES[scenario]
    for part, pod in parts.items():
        variables = {variable["name"]: variable for variable in pod["containers"][0]["env"]}
        own = {"pipeline-locate": ["LOCATED_PLAYS_TOPIC"], "pipeline-curate": ["LOCATED_PLAYS_SUBSCRIPTION"]}
        assert [name for name in variables if name.startswith("LOCATED_PLAYS")] == own.get(part, [])
        # Who curates is told of no plays.
        assert ("PLAYS_SUBSCRIPTION" in variables) == (part != "pipeline-curate")
        # Plays come by several pods, and through Pub/Sub twice.
        assert variables.get("MAX_DISORDER", {}).get("value") == (None if part == "pipeline" else "1s"), part
        secret = variables.get("USER_HASH_KEY", {}).get("valueFrom", {}).get("secretKeyRef")
        wanted = {"name": "user-hash-key", "key": "user-hash-key"} if part == "pipeline-locate" else None
        assert secret == wanted, part


def test_pods_that_locate_are_scaled_by_their_cpu_and_what_waits():
    (scaler,) = [o for o in objects("two stages, the first one", "HorizontalPodAutoscaler") if "locate" in str(o)]
    cpu, waiting = scaler["spec"]["metrics"]
    assert cpu["resource"]["name"] == "cpu"
    assert waiting["external"] == {
        "metric": {
            "name": "pubsub.googleapis.com|subscription|num_undelivered_messages",
            "selector": {"matchLabels": {"resource.labels.subscription_id": "plays-pipeline"}},
        },
        "target": {"type": "AverageValue", "averageValue": "50000"},
    }


@every_scenario
def test_a_node_can_always_be_drained(scenario):
    for budget in objects(scenario, "PodDisruptionBudget"):
        assert budget["spec"]["maxUnavailable"] == 1 and "minAvailable" not in budget["spec"]


@every_scenario
def test_everything_mounted_is_there(scenario):
    for name, pod, container in containers(scenario):
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        assert volumes == {mount["name"] for mount in container.get("volumeMounts", [])}, name
    accounts = {account["metadata"]["name"] for account in objects(scenario, "ServiceAccount")}
    assert {pod["serviceAccountName"] for _, _, pod in pods(scenario)} == accounts


@every_scenario
def test_names_and_namespaces(scenario):
    seen = set()
    for object in objects(scenario):
        identity = (object["kind"], object["metadata"]["name"])
        assert identity not in seen, identity
        seen.add(identity)
        namespace = None if object["kind"] == "GlobalRules" else "listening-together"
        assert object["metadata"].get("namespace") == namespace, identity
        assert len(object["metadata"]["name"]) <= 63, identity


def test_only_one_cluster_has_the_gateway_the_pipeline_and_the_download():
    home, another = ({o["kind"] for o in objects(name)} for name in ("three regions, home", "three regions, another"))
    assert {"Gateway", "HTTPRoute", "HealthCheckPolicy", "GCPBackendPolicy", "CronJob", "GlobalRules"} <= home - another
    assert "ServiceExport" in home & another
    names = {o["metadata"]["name"] for o in objects("three regions, another", "Deployment")}
    assert names == {"together-session-api"}


def test_every_value_is_documented_and_known():
    """values.yaml and the schema name the same values, and a comment stands before each block of them."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    text = (CHART / "values.yaml").read_text()
    values = yaml.safe_load(text)
    required = {("project",), ("region",), ("image", "registry")}

    def known(node, path=()):
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
        if "properties" not in node or path[-1:] in [("settings",), ("requests",), ("limits",)]:
            yield path
            return
        assert node["additionalProperties"] is False, path
        for name, child in node["properties"].items():
            yield from known(child, (*path, name))

    def has(path):
        node = values
        for name in path:
            if name not in node:
                return False
            node = node[name]
        return True

    missing = {path for path in known(schema) if path != ("global",) and not has(path)}
    assert missing == required
    for path in required:
        assert re.search(rf"^ *# {path[-1]}: ", text, re.MULTILINE), path
