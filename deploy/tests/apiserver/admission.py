"""What is checked of an object before it is kept, and what is added to it."""

import kubernetes_validate

from .errors import invalid
from .resources import BUILT_IN, DEPLOYMENTS, NAMESPACES, SERVICES


def admitted(resource, object, live, version):
    """The object with its defaults.

    Fields that Kubernetes' schema does not have are refused, as are new values of those that never change.
    """
    if resource in BUILT_IN:
        _check(object, version)
    if resource == DEPLOYMENTS:
        if live and live["spec"]["selector"] != object["spec"]["selector"]:
            raise invalid(f"Deployment {object['metadata']['name']}: spec.selector: field is immutable")
        return {**object, "spec": {"replicas": 1, **object["spec"]}}
    if resource == SERVICES:
        address = live["spec"]["clusterIP"] if live else "10.96.0.10"
        return {**object, "spec": {"clusterIP": address, **object["spec"]}}
    if resource == NAMESPACES:
        return {**object, "status": {"phase": "Active"}}
    return object


def _check(object, version):
    content = {name: value for name, value in object.items() if name != "status"}
    try:
        kubernetes_validate.validate(content, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        path = ".".join(str(part) for part in error.path)
        raise invalid(f"{object['kind']} {object['metadata']['name']} is invalid: {path}: {error.message}") from error
