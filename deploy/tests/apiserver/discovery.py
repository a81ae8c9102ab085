"""What the server says of itself: its version, the kinds that it has, and as much OpenAPI as Helm asks for."""

from .resources import ALL, GROUP_VERSIONS

VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


def described(path, version):
    """What the server says of itself, if a path asks for that."""
    if path == "/version":
        major, minor = version.split(".")
        return {"major": major, "minor": minor, "gitVersion": f"v{version}.0-gke.1000", "platform": "linux/amd64"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = [group(found) for found in GROUP_VERSIONS if "/" in found]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    if path == "/openapi/v3":
        paths = {prefixed(found): {"serverRelativeURL": f"/openapi/v3/{prefixed(found)}"} for found in GROUP_VERSIONS}
        return {"paths": paths}
    for found in GROUP_VERSIONS:
        if path == f"/{prefixed(found)}":
            return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": found, "resources": offered(found)}
        if path == f"/openapi/v3/{prefixed(found)}":
            return openapi(found)
    return None


def prefixed(group_version):
    return f"{'apis' if '/' in group_version else 'api'}/{group_version}"


def group(group_version):
    name, version = group_version.split("/")
    told = {"groupVersion": group_version, "version": version}
    return {"name": name, "versions": [told], "preferredVersion": told}


def offered(group_version):
    return [
        {
            "name": resource.plural,
            "singularName": resource.kind.lower(),
            "kind": resource.kind,
            "namespaced": resource.namespaced,
            "verbs": VERBS,
        }
        for resource in ALL.values()
        if resource.group_version == group_version
    ]


def openapi(group_version):
    """As much as says that the server checks fields by itself, so that clients leave that to it."""
    name, version = group_version.split("/") if "/" in group_version else ("", group_version)
    paths = {}
    for resource in ALL.values():
        if resource.group_version == group_version:
            kind = {"group": name, "version": version, "kind": resource.kind}
            patch = {
                "parameters": [{"name": "fieldValidation", "in": "query"}],
                "responses": {},
                "x-kubernetes-group-version-kind": kind,
            }
            paths[f"/{prefixed(group_version)}/{resource.plural}/{{name}}"] = {"patch": patch}
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": version}, "paths": paths}
