"""The Terraform module parses, is formatted, and names what the chart and the services expect.

`terraform validate` needs Google's provider, which no package registry has.
"""

import functools
import json
import os
import re
import urllib.request

import hcl2
import pytest
import yaml

from tools import CHART, ROOT, defaults_of, run

MODULE = ROOT / "deploy/terraform"


def unquoted(node):
    """What python-hcl2 gives, with strings as strings."""
    if isinstance(node, dict):
        return {unquoted(name): unquoted(value) for name, value in node.items()}
    if isinstance(node, list):
        return [unquoted(value) for value in node]
    if isinstance(node, str) and len(node) > 1 and node[0] == node[-1] == '"':
        return node[1:-1]
    return node


@functools.cache
def blocks(kind):
    """All blocks of a kind in the module, by their labels."""
    found = {}
    for path in sorted(MODULE.glob("*.tf")):
        for block in unquoted(hcl2.loads(path.read_text())).get(kind, []):
            labels, body = [], block
            for _ in range(2 if kind == "resource" else 1):
                (label,) = [name for name in body if not name.startswith("__")]
                labels.append(label)
                body = body[label]
            assert tuple(labels) not in found, labels
            found[tuple(labels)] = body
    return found


def default(variable):
    return blocks("variable")[(variable,)]["default"]


def test_it_is_formatted():
    done = run("terraform", "fmt", "-check", "-diff", "-recursive", MODULE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_reference_is_to_something_that_is_there():
    text = "\n".join(path.read_text() for path in sorted(MODULE.glob("*.tf")))
    text = re.sub(r"^ *#.*$", "", text, flags=re.MULTILINE)
    variables, resources = blocks("variable"), blocks("resource")
    assert {(name,) for name in re.findall(r"\bvar\.(\w+)", text)} == set(variables)
    used = set(re.findall(r"(?<!\.)\b(google_\w+)\.(\w+)", re.sub(r"data\.google_\w+\.\w+", "", text)))
    assert used <= set(resources), used - set(resources)
    locals_ = "".join(re.findall(r"^locals \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL))
    assert set(re.findall(r"\blocal\.(\w+)", text)) == set(re.findall(r"^  (\w+) +=", locals_, re.MULTILINE))


def test_every_variable_is_described_and_only_the_project_is_needed():
    variables = blocks("variable")
    assert all(body.get("description") and body.get("type") for body in variables.values())
    assert [name for (name,), body in variables.items() if "default" not in body] == ["project"]


def test_names_are_those_of_the_chart():
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert default("plays_subscription") == values["pubsub"]["playsSubscription"]
    assert default("located_plays_topic") == values["pubsub"]["locatedPlaysTopic"]
    assert default("located_plays_subscription") == values["pubsub"]["locatedPlaysSubscription"]
    assert default("sessions_topic") == values["pubsub"]["sessionsTopic"]
    assert default("dead_letter_topic") == values["pubsub"]["deadLetterTopic"]
    accounts = values["serviceAccounts"]
    assert default("pipeline_service_account") == accounts["pipeline"]["name"]
    assert default("locate_service_account") == accounts["locate"]["name"]
    assert default("curate_service_account") == accounts["curate"]["name"]
    assert default("session_api_service_account") == accounts["sessionApi"]["name"]
    assert default("geoip_update_service_account") == accounts["geoipUpdate"]["name"]


def test_names_are_those_of_the_services():
    pipeline, session_api = defaults_of("pipeline"), defaults_of("session-api")
    assert default("plays_subscription") == pipeline["PLAYS_SUBSCRIPTION"]
    assert default("located_plays_topic") == pipeline["LOCATED_PLAYS_TOPIC"]
    assert default("located_plays_subscription") == pipeline["LOCATED_PLAYS_SUBSCRIPTION"]
    assert default("dead_letter_topic") == pipeline["DEAD_LETTER_TOPIC"]
    assert default("sessions_topic") == pipeline["SESSIONS_TOPIC"] == session_api["SESSIONS_TOPIC"]


@pytest.mark.parametrize("name", ["plays", "located_plays"])
def test_the_subscriptions_are_what_the_pipeline_expects(name):
    plays = blocks("resource")[("google_pubsub_subscription", name)]
    receive = (ROOT / "pipeline/src/receive/pubsub.rs").read_text()
    lease = re.search(r"LEASE_EXTENSION: Duration = Duration::from_secs\((\d+)\)", receive)
    assert plays["ack_deadline_seconds"] == int(lease.group(1))
    assert plays["enable_message_ordering"] is False and "dead_letter_policy" not in plays
    assert plays["expiration_policy"] == [{**plays["expiration_policy"][0], "ttl": ""}]
    backoff = plays["retry_policy"][0]["maximum_backoff"]
    lateness = defaults_of("pipeline")["ALLOWED_LATENESS"]
    assert float(backoff.rstrip("s")) < float(lateness.rstrip("s")), "plays that are handed back would come too late"
    sessions = blocks("resource")[("google_pubsub_topic", "sessions")]
    readback = (ROOT / "pipeline/src/publish/readback.rs").read_text()
    seek = re.search(r"SEEK_BACK: Duration = Duration::from_secs\((\d+)\)", readback)
    assert int(sessions["message_retention_duration"].rstrip("s")) > int(seek.group(1))


def test_no_role_is_broader_than_needed():
    text = "\n".join(re.sub(r"#.*", "", path.read_text()) for path in MODULE.glob("*.tf"))
    assert set(re.findall(r"roles/[\w.]+", text)) == {
        "roles/pubsub.publisher",
        "roles/pubsub.subscriber",
        "roles/pubsub.viewer",
        "roles/storage.objectViewer",
        "roles/storage.objectUser",
    }
    for kind, name in blocks("resource"):
        assert not (kind == "google_project_iam_member" and name != "own_subscriptions"), "a role on a whole project"


@pytest.fixture(scope="module")
def module_of_locals(tmp_path_factory):
    """The locals of the module, with names in place of resources: that needs no provider."""
    module = tmp_path_factory.mktemp("locals")
    text = "\n".join((MODULE / name).read_text() for name in ["main.tf", "iam.tf", "variables.tf"])
    kept = re.findall(r"^(?:locals|variable \"\w+\") \{\n.*?^\}", text, re.MULTILINE | re.DOTALL)
    plain = re.sub(r"google_pubsub_\w+\.(\w+)\.name", r'"\1"', "\n".join(kept))
    plain = plain.replace("data.google_project.clusters.number", "1")
    told = ["replicas_project", "services", "subscribers", "publisher_roles", "receiver_roles"]
    outputs = [f'output "{name}" {{\n  value = local.{name}\n}}' for name in told]
    (module / "main.tf").write_text("\n".join([plain, *outputs]))
    done = run("terraform", "init", "-no-color", "-input=false", cwd=module)
    assert done.returncode == 0, done.stdout + done.stderr
    return module


@pytest.fixture(params=[None, "my-replicas"])
def rights(module_of_locals, request):
    """What Terraform makes of the locals, without and with a project for the replicas."""
    given = {"project": "my-project"} | ({"replicas_project": request.param} if request.param else {})
    variables = [word for name, value in given.items() for word in ("-var", f"{name}={value}")]
    done = run("terraform", "apply", "-auto-approve", "-no-color", "-input=false", *variables, cwd=module_of_locals)
    assert done.returncode == 0, done.stdout + done.stderr
    made = json.loads(run("terraform", "output", "-json", cwd=module_of_locals).stdout)
    return {name: found["value"] for name, found in made.items()}


def account(member):
    return member.rsplit("/listening-together-", 1)[1]


def test_who_may_publish_and_receive_what(rights):
    def granted(grants, role, what):
        return {(account(grant["member"]), grant[what]) for grant in grants.values() if grant["role"] == role}

    publishers, receivers = rights["publisher_roles"], rights["receiver_roles"]
    # Where a stage publishes or receives, it also sees that the topic or subscription is there.
    for role in ["roles/pubsub.publisher", "roles/pubsub.viewer"]:
        assert granted(publishers, role, "topic") == {
            ("pipeline", "sessions"),
            ("pipeline", "dead_letters"),
            ("locate", "located_plays"),
            ("locate", "dead_letters"),
            ("curate", "sessions"),
            ("curate", "dead_letters"),
        }
    for role in ["roles/pubsub.subscriber", "roles/pubsub.viewer"]:
        assert granted(receivers, role, "subscription") == {
            ("pipeline", "plays"),
            ("locate", "plays"),
            ("curate", "located_plays"),
        }
    assert {account(member) for member in rights["subscribers"].values()} == {"pipeline", "curate", "session-api"}
    start = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/my-project.svc.id.goog/"
    for grant in [*publishers.values(), *receivers.values()]:
        assert grant["member"].startswith(f"{start}subject/ns/listening-together/sa/"), grant


def test_who_could_read_plays(rights):
    """By a role on their subscription, or by one on the whole project of it."""
    grant = blocks("resource")[("google_project_iam_member", "own_subscriptions")]
    role = blocks("resource")[("google_project_iam_custom_role", "own_subscriptions")]
    assert reference(grant["for_each"]) == "local.subscribers" and reference(grant["member"]) == "each.value"
    assert reference(grant["role"]) == "google_project_iam_custom_role.own_subscriptions.id"
    assert reference(grant["project"]) == reference(role["project"]) == "local.replicas_project"
    assert "pubsub.subscriptions.consume" in role["permissions"]

    receivers = rights["receiver_roles"].values()
    readers = {account(grant["member"]) for grant in receivers if grant["subscription"] == "plays"}
    if rights["replicas_project"] == "my-project":
        readers |= {account(member) for member in rights["subscribers"].values()}
    expected = {
        "my-project": {"pipeline", "locate", "curate", "session-api"},
        "my-replicas": {"pipeline", "locate"},
    }
    assert readers == expected[rights["replicas_project"]]


def reference(expression):
    """What an expression of one reference refers to."""
    return expression.removeprefix("${").removesuffix("}")


def test_each_project_has_the_services_that_are_used_in_it(rights):
    needed = blocks("resource")[("google_project_service", "needed")]
    assert reference(needed["for_each"]) == "local.services"
    enabled = {}
    for found in rights["services"].values():
        enabled.setdefault(found["project"], set()).add(found["service"].removesuffix(".googleapis.com"))
    assert enabled["my-project"] == {"pubsub", "monitoring", "iam"}
    assert {"pubsub", "iam"} <= enabled[rights["replicas_project"]]


def fields(text, message="Play"):
    text = re.sub(r"//.*", "", text)
    body = re.search(rf"message {message} \{{(.*)\}}", text, re.DOTALL).group(1)
    body = re.sub(r"message \w+ \{.*?\}", "", body, flags=re.DOTALL)
    found = re.findall(r"([\w.]+) (\w+) = (\d+);", body)
    return {(kind.rsplit(".", 1)[-1], name, number) for kind, name, number in found}


def test_the_schema_is_that_of_a_play():
    ours = fields((ROOT / "proto/listening_together/v1/play.proto").read_text())
    assert fields((MODULE / "play.proto").read_text()) == ours and len(ours) == 4


def test_an_emulator_gets_the_same(broker):
    environment = {**os.environ, "PUBSUB_EMULATOR_HOST": broker, "GOOGLE_CLOUD_PROJECT": "demo"}
    script = ROOT / "deploy/local/provision.sh"
    first, again = (run(script, env=environment) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert again.returncode == 0 and again.stdout.count("is there already") == 7, again.stdout + again.stderr
    resources = blocks("resource")

    def made(collection):
        with urllib.request.urlopen(f"http://{broker}/v1/projects/demo/{collection}", timeout=10) as answer:
            return {found["name"].rsplit("/", 1)[1]: found for found in json.load(answer)[collection]}

    topics, subscriptions = made("topics"), made("subscriptions")
    names = ["plays_topic", "located_plays_topic", "sessions_topic", "dead_letter_topic"]
    assert set(topics) == {default(name) for name in names}
    retention = resources[("google_pubsub_topic", "sessions")]["message_retention_duration"]
    assert topics[default("sessions_topic")]["messageRetentionDuration"] == retention
    wanted = {
        default("plays_subscription"): (10, default("plays_retention")),
        default("located_plays_subscription"): (10, default("plays_retention")),
        default("dead_letter_topic"): (60, "604800s"),
    }
    fields = ["ackDeadlineSeconds", "messageRetentionDuration"]
    assert {name: tuple(map(found.get, fields)) for name, found in subscriptions.items()} == wanted


@pytest.mark.parametrize(
    ("name", "environment", "told"),
    [
        ("no host", {"GOOGLE_CLOUD_PROJECT": "demo"}, "set PUBSUB_EMULATOR_HOST"),
        ("no project", {"PUBSUB_EMULATOR_HOST": "127.0.0.1:1"}, "set GOOGLE_CLOUD_PROJECT"),
        ("no emulator", {"PUBSUB_EMULATOR_HOST": "127.0.0.1:1", "GOOGLE_CLOUD_PROJECT": "demo"}, "no emulator answers"),
    ],
)
def test_provisioning_says_what_is_missing(name, environment, told):
    done = run(ROOT / "deploy/local/provision.sh", env={"PATH": os.environ["PATH"], **environment})
    assert done.returncode != 0 and told in done.stderr, name
