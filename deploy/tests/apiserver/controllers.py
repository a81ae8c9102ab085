"""What a cluster does by itself: roll Deployments out, and set the number of their replicas."""

import hashlib
import json
import threading

from .resources import AUTOSCALERS, DEPLOYMENTS, REPLICA_SETS

# Who sets what autoscalers decide, as Kubernetes calls it.
MANAGER = "kube-controller-manager"
# Pods with an image of this tag never become ready.
NEVER_READY = ":never-ready"


class Controllers(threading.Thread):
    """Looks at everything whenever anything has changed, until the store is closed."""

    def __init__(self, store):
        super().__init__(daemon=True)
        self.store = store

    def run(self):
        seen = -1
        while True:
            with self.store.changed:
                self.store.changed.wait_for(lambda: self.store.closed or len(self.store.events) != seen)
                if self.store.closed:
                    return
                seen = len(self.store.events)
            for autoscaler in self.store.list(AUTOSCALERS):
                with self.store.changed:
                    scale(self.store, autoscaler)
            for deployment in self.store.list(DEPLOYMENTS):
                with self.store.changed:
                    roll_out(self.store, deployment)


def scale(store, autoscaler):
    """Keeps a Deployment between the least and the most replicas."""
    spec, namespace = autoscaler["spec"], autoscaler["metadata"]["namespace"]
    for deployment in store.list(DEPLOYMENTS, namespace):
        if deployment["metadata"]["name"] == spec["scaleTargetRef"]["name"]:
            now, name = deployment["spec"]["replicas"], deployment["metadata"]["name"]
            wanted = min(max(now, spec["minReplicas"]), spec["maxReplicas"])
            if now != wanted:
                scaled = {**deployment, "spec": {**deployment["spec"], "replicas": wanted}}
                store.change(DEPLOYMENTS, namespace, name, MANAGER, lambda _: scaled)


def roll_out(store, deployment):
    """Makes the ReplicaSet of a Deployment's present template, and moves the pods to it if they become ready."""
    meta, spec = deployment["metadata"], deployment["spec"]
    if deployment not in store.list(DEPLOYMENTS, meta["namespace"]):
        return  # changed or deleted meanwhile, which is another event
    template, count = spec["template"], spec["replicas"]
    name = f"{meta['name']}-{hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:9]}"
    owned = {
        found["metadata"]["name"]: found
        for found in store.list(REPLICA_SETS, meta["namespace"])
        if any(owner["uid"] == meta["uid"] for owner in found["metadata"]["ownerReferences"])
    }
    if name not in owned:
        owned[name] = store.create(REPLICA_SETS, meta["namespace"], replica_set(deployment, name), MANAGER)
    is_ready = not any(container["image"].endswith(NEVER_READY) for container in template["spec"]["containers"])
    before = {other: found.get("status", {}).get("replicas", 0) for other, found in owned.items() if other != name}
    # As the chart's strategy says: one more at a time, and none is taken away before it is ready.
    stay = 0 if is_ready else max(before.values(), default=0)
    fresh = 1 if stay else count
    for other, found in owned.items():
        pods = fresh if other == name else min(before[other], stay)
        store.set_status(REPLICA_SETS, found, pods_status(found, pods, pods if is_ready or other != name else 0))
    available = count if is_ready else stay
    told = "NewReplicaSetAvailable" if is_ready else "ReplicaSetUpdated"
    status = {
        **pods_status(deployment, fresh + stay, available),
        "updatedReplicas": fresh,
        "unavailableReplicas": fresh + stay - available,
        "conditions": [
            {"type": "Available", "status": str(available >= count), "reason": "MinimumReplicasAvailable"},
            {"type": "Progressing", "status": "True", "reason": told},
        ],
    }
    store.set_status(DEPLOYMENTS, deployment, status)


def replica_set(deployment, name):
    meta, spec = deployment["metadata"], deployment["spec"]
    template = json.loads(json.dumps(spec["template"]))
    template["metadata"]["labels"]["pod-template-hash"] = name.rsplit("-", 1)[1]
    # Helm 3 looks for the ReplicaSet that the Deployment controls.
    whose = {"kind": "Deployment", "name": meta["name"], "uid": meta["uid"]}
    owner = {"apiVersion": "apps/v1", **whose, "controller": True}
    return {
        "metadata": {"name": name, "labels": template["metadata"]["labels"], "ownerReferences": [owner]},
        "spec": {"replicas": spec["replicas"], "selector": spec["selector"], "template": template},
    }


def pods_status(object, count, ready):
    seen = object["metadata"]["generation"]
    return {"observedGeneration": seen, "replicas": count, "readyReplicas": ready, "availableReplicas": ready}
