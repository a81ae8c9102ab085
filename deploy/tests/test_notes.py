"""What helm install tells: how to see that it works, and what must be there.

By Helm 4 alone: Helm 3 asks a cluster for its version before it tries anything.
"""

import pytest

from scenarios import SCENARIOS, arguments
from tools import CHART, helm, run

# scenario: (what is told, what is not)
TOLD = {
    "trial": (
        ["a pipeline and session-api", "plays-pipeline", "demo-city.mmdb in the secret", "exposure.type is none"],
        ["anonymousIpFile is empty", "geoip-update-now", "the emulator"],
    ),
    "trial on an emulator": (["the emulator at pubsub.tools:8085"], []),
    "one region": (
        ["geoip-update-now", "anonymousIpFile is empty", "GcsFuseCsiDriver=ENABLED"],
        ["exposure.type is none", "monitoring.type", "ReadWriteMany"],
    ),
    "three regions, home, moving in": (["exposure.ingress.besideGateway is true"], []),
    "databases in a claim": (["the claim c", "ReadWriteMany"], ["ReadOnlyMany", "GcsFuseCsiDriver"]),
    "three regions, another": (
        ["session-api, and no pipeline", "a pipeline in another region", "the fleet's config cluster"],
        ["plays-pipeline", "listening-together-pipeline", "anonymousIpFile", "GcsFuseCsiDriver"],
    ),
    "two stages": (
        [
            "a pipeline in two stages and session-api",
            "the subscription plays-pipeline, and the topics located-plays and plays-rejected",
            "the subscription located-plays-curate, and the topics sessions and plays-rejected",
            "listening-together/listening-together-locate",
            "the Secret user-hash-key",
        ],
        ["listening-together-pipeline", "in another region"],
    ),
    "two stages, the second one": (
        ["the pipeline's second stage and session-api", "the pipeline's first stage in another region"],
        ["plays-pipeline", "Secret", "anonymousIpFile"],
    ),
    "a pipeline alone": (["(my-project): a pipeline."], ["curl -s localhost:8080", "listening-together-session-api"]),
}


@pytest.mark.parametrize("scenario", TOLD)
def test_the_notes_fit_what_is_installed(scenario):
    command = [helm(4), "install", "together", CHART, "--namespace", "listening-together", "--dry-run=client"]
    done = run(*command, *arguments(*SCENARIOS[scenario]))
    assert done.returncode == 0, done.stderr
    notes = done.stdout.split("\nNOTES:\n")[1]
    expected, unexpected = TOLD[scenario]
    for text in ["readyz?verbose", "kubectl -n listening-together get pods", *expected]:
        assert text in notes, notes
    for text in unexpected:
        assert text not in notes, notes
