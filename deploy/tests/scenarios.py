"""The shapes in which the chart is installed, and what each is rendered to."""

import functools

import yaml

from tools import CHART, helm, run

# The oldest and the newest Kubernetes that the chart is checked for.
OLDEST, NEWEST = "1.30", "1.37"
GKE_VERSION = "v1.33.5-gke.2392000"

GIVEN = "project=my-project,region=europe-west1,image.registry=europe-west1-docker.pkg.dev/my-project/lt"
BUCKET = "geoip.bucket.name=my-databases"
HOSTS = "exposure.hosts={listening.example}"

# name: (value files, values)
SCENARIOS = {
    "trial": (["trial"], []),
    "trial on an emulator": (["trial"], ["pubsub.emulatorHost=pubsub.tools:8085", "networkPolicy.enabled=true"]),
    "one region": (["one-region"], [BUCKET, HOSTS]),
    "three regions, home": (["three-regions", "three-regions-home"], [BUCKET, HOSTS, "monitoring.alerts=true"]),
    # While the names of the hosts still lead to the Ingress of the one region that it was.
    "three regions, home, moving in": (
        ["one-region", "three-regions", "three-regions-home"],
        [BUCKET, HOSTS, "exposure.ingress.besideGateway=true"],
    ),
    "three regions, another": (["three-regions"], ["monitoring.alerts=true"]),
    "two stages": (["one-region", "two-stages"], [BUCKET, HOSTS]),
    "two stages, the first one": (
        ["three-regions", "two-stages"],
        [
            BUCKET,
            "pipeline.mode=locate,pipeline.locate.autoscaling.targetWaitingPlays=50000",
            "pubsub.playsSubscription=projects/other/subscriptions/plays-pipeline",
        ],
    ),
    "two stages, the second one": (["three-regions", "two-stages"], [BUCKET, "pipeline.mode=curate"]),
    "two stages, two pods": (
        ["trial", "two-stages"],
        ["pipeline.locate.autoscaling.enabled=false,geoip.trackCatalogFile=tracks.csv"],
    ),
    "databases in a claim": (
        [],
        ["geoip.source=pvc,geoip.pvc.claimName=c,geoip.update.enabled=true,geoip.update.accountSecret=a"],
    ),
    "databases in an image": (
        [],
        [
            "geoip.source=image,geoip.image.reference=example.com/databases:1",
            "sessionApi.image.digest=sha256:" + "0" * 64,
        ],
    ),
    "a pipeline alone": (
        [],
        [
            BUCKET,
            "sessionApi.enabled=false",
            "monitoring.type=podMonitor,monitoring.alerts=true,monitoring.dashboard=true",
        ],
    ),
    "telemetry": (
        ["one-region"],
        [
            BUCKET,
            HOSTS,
            "otel.endpoint=http://collector.observability:4317",
            "otel.sampler=parentbased_traceidratio,otel.samplerArg=0.1",
            r"otel.headersSecret=collector,otel.resourceAttributes.deployment\.environment\.name=production",
            "monitoring.alerts=true,monitoring.dashboard=true",
        ],
    ),
    "everything turned": (
        ["one-region"],
        [
            BUCKET,
            HOSTS,
            "sessionApi.autoscaling.enabled=false,sessionApi.site=false,sessionApi.preStopSeconds=0",
            "sessionApi.shutdownDelaySeconds=60",
            "image.pullSecrets={registry},podDisruptionBudget.enabled=false,topologySpread.enabled=false",
            "pipeline.nodeSelector.pool=a,pipeline.priorityClassName=high,pipeline.podLabels.team=a",
            "pipeline.tolerations[0].key=a,pipeline.tolerations[0].operator=Exists,pipeline.podAnnotations.a=b",
            "geoip.trackCatalogFile=tracks.csv,geoip.anonymousIpFile=anonymous.mmdb,log.filter=debug",
            "networkPolicy.extraIngressCidrs={10.0.0.0/8},sessionApi.service.type=LoadBalancer",
            "exposure.ingress.className=nginx",
            "fullnameOverride=together,image.tag=v2,global.anything=1,monitoring.labels.release=a",
        ],
    ),
}

# Settings are texts, which --set would take for numbers.
SETTINGS = [
    "pipeline.settings.SAMPLE_RATE=0.1",
    "sessionApi.settings.MAX_CONNECTIONS=1000",
    "otel.settings.OTEL_METRIC_EXPORT_INTERVAL=15000",
]


def arguments(files, values):
    """What helm is told for value files and values on top of the three that must be given."""
    named = [word for file in files for word in ("-f", CHART / f"values-{file}.yaml")]
    set_ = [word for value in [GIVEN, *values] for word in ("--set", value)]
    texts = [word for value in SETTINGS for word in ("--set-string", value)]
    return named + set_ + texts


@functools.cache
def rendered(scenario, major=4, kube_version=GKE_VERSION):
    """The text that a scenario renders to."""
    files, values = SCENARIOS[scenario]
    command = [helm(major), "template", "together", CHART, "--namespace", "listening-together"]
    done = run(*command, "--kube-version", kube_version, *arguments(files, values))
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(scenario, kind=None):
    """The objects that a scenario renders to, all or those of a kind."""
    found = [object for object in yaml.safe_load_all(rendered(scenario)) if object]
    return [object for object in found if kind in (None, object["kind"])]


def pods(scenario):
    """Name, labels and pod spec of every workload."""
    for workload in objects(scenario):
        name = f"{workload['kind']} {workload['metadata']['name']}"
        if workload["kind"] == "Deployment":
            template = workload["spec"]["template"]
        elif workload["kind"] == "CronJob":
            template = workload["spec"]["jobTemplate"]["spec"]["template"]
        else:
            continue
        yield name, template["metadata"]["labels"], template["spec"]
