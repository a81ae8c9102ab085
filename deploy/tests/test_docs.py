"""What docs/deploy.md tells to type fits what is here."""

import json
import re

import yaml

from tools import CHART, ROOT, run

TEXT = (ROOT / "docs/deploy.md").read_text()
COMMANDS = "\n".join(re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))


def test_commands_are_ones_for_a_shell():
    assert "helm install" in COMMANDS and "terraform" in COMMANDS
    done = run("bash", "-n", input=COMMANDS)
    assert done.returncode == 0, done.stderr


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


def test_files_that_are_named_are_there():
    named = re.findall(r"\b(?:deploy|docs|proto)/[\w./-]+\w", TEXT)
    named += [f"deploy/helm/listening-together/{name}" for name in re.findall(r"\bvalues-[a-z-]+\.yaml", TEXT)]
    made = {"deploy/terraform/terraform.tfvars"}
    assert len(named) > 20
    assert not [name for name in named if name not in made and not (ROOT / name).exists()]


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]*)(?:#[^)]*)?\)", TEXT):
        assert not target or target.startswith("http") or (ROOT / "docs" / target).exists(), target
