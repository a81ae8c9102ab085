"""The kinds of objects that there are."""

from typing import NamedTuple


class Resource(NamedTuple):
    """A kind, and where its objects are found."""

    group_version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def title(self):
        """plural.group, as error texts have it."""
        group, _, _ = self.group_version.rpartition("/")
        return f"{self.plural}.{group}" if group else self.plural


NAMESPACES = Resource("v1", "namespaces", "Namespace", namespaced=False)
SERVICES = Resource("v1", "services", "Service")
DEPLOYMENTS = Resource("apps/v1", "deployments", "Deployment")
REPLICA_SETS = Resource("apps/v1", "replicasets", "ReplicaSet")
AUTOSCALERS = Resource("autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")

# Those that Kubernetes itself has, and has schemas of.
BUILT_IN = [
    NAMESPACES,
    SERVICES,
    DEPLOYMENTS,
    REPLICA_SETS,
    AUTOSCALERS,
    Resource("v1", "configmaps", "ConfigMap"),
    Resource("v1", "secrets", "Secret"),
    Resource("v1", "serviceaccounts", "ServiceAccount"),
    Resource("v1", "pods", "Pod"),
    Resource("batch/v1", "cronjobs", "CronJob"),
    Resource("batch/v1", "jobs", "Job"),
    Resource("networking.k8s.io/v1", "ingresses", "Ingress"),
    Resource("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy"),
    Resource("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget"),
]

# Those that clusters learn from others: GKE, the Gateway API, the Prometheus operator.
CUSTOM = [
    Resource("cloud.google.com/v1", "backendconfigs", "BackendConfig"),
    Resource("gateway.networking.k8s.io/v1", "gateways", "Gateway"),
    Resource("gateway.networking.k8s.io/v1", "httproutes", "HTTPRoute"),
    Resource("monitoring.coreos.com/v1", "podmonitors", "PodMonitor"),
    Resource("monitoring.coreos.com/v1", "prometheusrules", "PrometheusRule"),
    Resource("monitoring.googleapis.com/v1", "globalrules", "GlobalRules", namespaced=False),
    Resource("monitoring.googleapis.com/v1", "podmonitorings", "PodMonitoring"),
    Resource("monitoring.googleapis.com/v1", "rules", "Rules"),
    Resource("net.gke.io/v1", "serviceexports", "ServiceExport"),
    Resource("networking.gke.io/v1", "gcpbackendpolicies", "GCPBackendPolicy"),
    Resource("networking.gke.io/v1", "healthcheckpolicies", "HealthCheckPolicy"),
]

ALL = {(resource.group_version, resource.plural): resource for resource in BUILT_IN + CUSTOM}
GROUP_VERSIONS = sorted({resource.group_version for resource in ALL.values()})
