"""Wrong values are refused, with a text that names the value and says what is accepted."""

import pytest

from scenarios import BUCKET, HOSTS, arguments
from tools import CHART, helm, run

# name: (values on top of a good installation, what the refusal says)
SCHEMA = {
    "an unknown value": (["sessionApi.replica=3"], ["sessionApi", "replica"]),
    "an unknown block": (["website.enabled=true"], ["website"]),
    "an unknown setting": (["pipeline.settings.WINDOWS=1s"], ["WINDOWS"]),
    "a setting that the chart makes": (["pipeline.settings.GOOGLE_CLOUD_PROJECT=other"], ["GOOGLE_CLOUD_PROJECT"]),
    "a setting of the other service": (["sessionApi.settings.WINDOW=1s"], ["WINDOW"]),
    "a number for a text": (["pipeline.settings.MAX_PLACES=9"], ["MAX_PLACES", "string"]),
    "a zone for a region": (["region=europe-west1-b"], ["region", "pattern"]),
    "a region in words": (["region=Belgium"], ["region", "pattern"]),
    "an empty project": (["project="], ["project", "pattern"]),
    "a project's number": (["project=n123 4"], ["project", "pattern"]),
    "a registry with a scheme": (["image.registry=https://example.com/lt"], ["registry", "pattern"]),
    "no registry": (["image.registry="], ["registry", "pattern"]),
    "negative replicas": (["sessionApi.replicas=-1"], ["replicas", "1"]),
    "no replicas": (["sessionApi.replicas=0"], ["replicas", "1"]),
    "a mode that the pipeline does not have": (["pipeline.mode=window"], ["mode", "all", "locate+curate", "none"]),
    "a key in the values": (["pipeline.locate.userHashKey=00"], ["userHashKey"]),
    "a topic that is none": (["pubsub.sessionsTopic=a/b"], ["sessionsTopic", "pattern"]),
    "a bucket's address": (["geoip.bucket.name=gs://bucket"], ["bucket", "pattern"]),
    "a path for a file": (["geoip.cityFile=/data/city.mmdb"], ["cityFile", "pattern"]),
    "another source": (["geoip.source=download"], ["source", "secret", "pvc", "bucket", "image"]),
    "a short digest": (["pipeline.image.digest=sha256:12"], ["digest", "pattern"]),
    "a host with a scheme": (["exposure.hosts={https://a.example}"], ["hosts", "pattern"]),
    "another exposure": (["exposure.type=gateway"], ["exposure", "multiClusterGateway"]),
    "no CPU requested": (["sessionApi.resources.requests.cpu=null"], ["cpu"]),
    "a quantity that is none": (["pipeline.resources.limits.memory=1GB"], ["memory", "pattern"]),
    "a collector without a port": (["otel.endpoint=http://collector"], ["endpoint", "pattern"]),
    "a collector by HTTP": (["otel.settings.OTEL_EXPORTER_OTLP_PROTOCOL=http/json"], ["OTEL_EXPORTER_OTLP_PROTOCOL"]),
    "a share above one": (["otel.samplerArg=2"], ["samplerArg", "1"]),
    "another sampler": (["otel.sampler=sometimes"], ["sampler", "parentbased_traceidratio"]),
    "attributes that would be two": (["otel.resourceAttributes.a=b=c"], ["resourceAttributes", "pattern"]),
    "metrics for nobody": (["networkPolicy.metricsNamespaces={}"], ["metricsNamespaces"]),
    "another monitoring": (["monitoring.type=serviceMonitor"], ["monitoring", "podMonitoring"]),
}

CONTRADICTIONS = {
    "no bucket": (["geoip.bucket.name="], "set geoip.bucket.name"),
    "no secret": (["geoip.source=secret"], "set geoip.secret.name"),
    "no claim": (["geoip.source=pvc"], "set geoip.pvc.claimName"),
    "no image of databases": (["geoip.source=image"], "set geoip.image.reference"),
    "no database of cities": (["geoip.cityFile="], "geoip.cityFile is empty"),
    "a download into a secret": (
        ["geoip.source=secret,geoip.secret.name=a,geoip.update.enabled=true"],
        "set it to pvc or bucket",
    ),
    "a download without an account": (["geoip.update.enabled=true"], "geoip.update.accountSecret is empty"),
    "fewer than the least": (
        ["sessionApi.autoscaling.enabled=true,sessionApi.autoscaling.maxReplicas=2"],
        "sessionApi.autoscaling.minReplicas (3) is above maxReplicas (2)",
    ),
    "fewer pods that locate than the least": (
        ["pipeline.locate.autoscaling.enabled=true,pipeline.locate.autoscaling.minReplicas=30"],
        "pipeline.locate.autoscaling.minReplicas (30) is above maxReplicas (20)",
    ),
    "two stages without a key": (["pipeline.mode=locate+curate"], "set pipeline.locate.userHashKeySecret"),
    "an ingress without a host": (["exposure.type=ingress"], "set exposure.hosts"),
    "a gateway without a host": (
        ["exposure.type=multiClusterGateway,exposure.multiClusterGateway.configCluster=true"],
        "set exposure.hosts",
    ),
    "an ingress beside a gateway without a host": (
        ["exposure.type=multiClusterGateway,exposure.ingress.besideGateway=true"],
        "set exposure.hosts",
    ),
    "exposing nothing": ([HOSTS, "exposure.type=ingress,sessionApi.enabled=false"], "nothing to expose"),
    "a label that pods are selected by": (
        [r"sessionApi.podLabels.app\.kubernetes\.io/component=web"],
        "sessionApi.podLabels has app.kubernetes.io/component",
    ),
    "alerts for nobody": (["monitoring.alerts=true"], "set it to podMonitoring or podMonitor"),
    "alerts that are looked at too seldom": (
        ["monitoring.type=podMonitoring,monitoring.alerts=true,monitoring.interval=1m"],
        "set it to 30s or less",
    ),
    "installing nothing": (["pipeline.mode=none,sessionApi.enabled=false"], "nothing would be installed"),
    "volumes of images on an old Kubernetes": (
        ["geoip.source=image,geoip.image.reference=a"],
        "needs Kubernetes 1.33 or newer",
    ),
}


def refusal(major, values):
    command = [helm(major), "template", "together", CHART, "--kube-version", "v1.32.0-gke.1"]
    assert run(*command, *arguments([], [BUCKET])).returncode == 0, "the good installation is refused"
    done = run(*command, *arguments([], [BUCKET, *values]))
    assert done.returncode != 0, f"accepted: {values}"
    return done.stderr


@pytest.mark.parametrize("major", [3, 4])
@pytest.mark.parametrize("name", SCHEMA)
def test_the_schema_refuses(name, major):
    values, expected = SCHEMA[name]
    told = refusal(major, values)
    assert "schema" in told
    for word in expected:
        assert word in told, told


@pytest.mark.parametrize("major", [3, 4])
@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_contradiction_is_refused_with_what_to_do(name, major):
    values, expected = CONTRADICTIONS[name]
    assert expected in refusal(major, values)


@pytest.mark.parametrize("major", [3, 4])
def test_three_values_have_no_default(major):
    done = run(helm(major), "template", "together", CHART, "-f", CHART / "values-trial.yaml")
    assert done.returncode != 0
    for word in ["project", "region", "registry"]:
        assert word in done.stderr, done.stderr
