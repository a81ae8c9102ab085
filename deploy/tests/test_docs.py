"""What docs/deploy.md and docs/runbook.md tell to type fits what is here."""

import json
import re

import pytest
import yaml

from scenarios import SCENARIOS, objects, pods
from tools import CHART, ROOT, run

TEXTS = {name: (ROOT / "docs" / name).read_text() for name in ["deploy.md", "runbook.md"]}
TEXT = TEXTS["deploy.md"]
each_page = pytest.mark.parametrize("page", TEXTS)


def blocks(text):
    """The blocks of commands."""
    return re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


COMMANDS = "\n".join(blocks(TEXT))


def typed(page):
    """All that a page tells to type, in blocks or between backquotes, a command a line."""
    text = TEXTS[page]
    whole = re.sub(r"\\\n\s*", "", "\n".join(blocks(text)))
    return [*whole.splitlines(), *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))]


@each_page
def test_commands_are_ones_for_a_shell(page):
    assert blocks(TEXTS[page])
    done = run("bash", "-n", input="\n".join(blocks(TEXTS[page])))
    assert done.returncode == 0, done.stderr


@each_page
def test_objects_that_are_named_are_installed(page):
    """By a release that is called together, as the pages call it; and labels are those of its pods."""
    names, labels = set(), set()
    for scenario in SCENARIOS:
        names |= {object["metadata"]["name"] for object in objects(scenario)}
        labels |= {label for _, found, _ in pods(scenario) for label in found.items()}
    kinds = "deploy|deployment|cronjob|service|ingress|gateway"
    told = [line for line in typed(page) if "kubectl" in line]
    named = [name for line in told for name in re.findall(rf"\b(?:{kinds})[/ ]([a-z][a-z-]+)\b", line)]
    assert [name for name in named if name not in names] == []
    selected = [pair for line in typed(page) for pair in re.findall(r"(app\.kubernetes\.io/\w+)=([\w-]+)", line)]
    assert [pair for pair in selected if pair not in labels] == []
    assert named or selected


def test_commands_name_a_cluster_where_there_are_several():
    """A release of the wrong cluster would be upgraded: with home's values, to a second pipeline."""
    regions = TEXT.partition("\n## Three regions\n")[2]
    lines = re.sub(r"\\\n\s*", "", "\n".join(blocks(regions))).splitlines()
    told = [line for line in lines if re.search(r"\b(?:helm|kubectl) ", line)]
    assert len(told) > 10
    assert [line for line in told if re.match(r"\s*helm ", line) and "--kube-context" not in line] == []
    assert [line for line in told if re.search(r"kubectl (?!config |--context )", line)] == []


def test_values_that_are_set_are_known():
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    required = json.loads((CHART / "values.schema.json").read_text())["required"]
    given = " ".join(re.findall(r"--set\s+(\S+)", COMMANDS))
    names = re.findall(r"(?:^|[\s,])([a-zA-Z][\w.]*)=", given)
    names += re.findall(r"`([a-z]\w*(?:\.\w+)+)(?:`|: |=)", TEXT)
    checked = 0
    for name in names:
        if name.split(".")[0] not in [*values, *required]:
            continue  # a file, or somebody else's
        node = values
        for part in name.split("."):
            is_free = part.isupper() or name in ("project", "region", "image.registry")
            assert is_free or part in node, f"{name} is no value"
            node = node.get(part, {})
        checked += 1
    assert checked > 20


@each_page
def test_files_that_are_named_are_there(page):
    text = TEXTS[page]
    named = re.findall(r"\b(?:deploy|docs|proto)/[\w./-]+\w", text)
    named += [f"deploy/helm/listening-together/{name}" for name in re.findall(r"\bvalues-[a-z-]+\.yaml", text)]
    made = {"deploy/terraform/terraform.tfvars"}
    assert len(named) > {"deploy.md": 20, "runbook.md": 1}[page]
    assert not [name for name in named if name not in made and not (ROOT / name).exists()]


@each_page
def test_links_lead_somewhere(page):
    for target, chapter in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", TEXTS[page]):
        if target.startswith("http"):
            continue
        path = ROOT / "docs" / (target or page)
        assert path.exists(), target
        titles = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE) if chapter else []
        anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
        assert not chapter or chapter in anchors, f"{target}#{chapter}"
