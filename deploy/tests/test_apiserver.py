"""The stand-in for an API server does what the tests of releases count on."""

import json
import urllib.error
import urllib.request

import pytest

from apiserver import fields
from apiserver.errors import ApiError

APPLY = "application/apply-patch+yaml"


def tree(**spec):
    return {"metadata": {}, "spec": spec}


def container(name, **more):
    return {"name": name, **more}


# name: (what is there, whose it is, what helm applies, what becomes of it or the field that it conflicts in)
APPLIED = {
    "a new field": (tree(a=1), "helm", tree(a=1, b=2), tree(a=1, b=2)),
    "a field given up": (tree(a=1, b=2), "helm", tree(a=1), tree(a=1)),
    "all fields of a block given up": (tree(a=1, b={"c": {"d": 1}}), "helm", tree(a=1), tree(a=1)),
    "another's field": (tree(a=1), "autoscaler", tree(a=2), ".spec.a"),
    "another's field, left alone": (tree(a=1), "autoscaler", tree(b=2), tree(a=1, b=2)),
    "another's field, alike": (tree(a=1), "autoscaler", tree(a=1), tree(a=1)),
    "an entry changed": (
        tree(containers=[container("x", image="1", tty=True), container("y")]),
        "helm",
        tree(containers=[container("x", image="2"), container("y")]),
        tree(containers=[container("x", image="2"), container("y")]),
    ),
    "an entry given up": (
        tree(containers=[container("x"), container("y", image="1")]),
        "helm",
        tree(containers=[container("x")]),
        tree(containers=[container("x")]),
    ),
    "a volume from elsewhere": (
        tree(volumes=[{"name": "v", "secret": {"secretName": "s"}}]),
        "helm",
        tree(volumes=[{"name": "v", "csi": {"driver": "d"}}]),
        tree(volumes=[{"name": "v", "csi": {"driver": "d"}}]),
    ),
    "a list without keys": (tree(rules=[{"a": 1}, {"b": 2}]), "helm", tree(rules=[{"b": 3}]), tree(rules=[{"b": 3}])),
}


@pytest.mark.parametrize("name", APPLIED)
def test_server_side_apply(name):
    live, owner, config, expected = APPLIED[name]
    owners = {owner: set(fields.fields(live))}
    if isinstance(expected, str):
        with pytest.raises(ApiError, match=expected) as refusal:
            fields.applied(live, config, "helm", owners, False)
        assert refusal.value.code == 409 and owner in str(refusal.value)
        result, owners = fields.applied(live, config, "helm", owners, True)
        assert result == config and owners == {"helm": set(fields.fields(config)), owner: set()}
    else:
        assert fields.applied(live, config, "helm", owners, False)[0] == expected


# name: (what is there, the patch, what becomes of it)
PATCHED = {
    "an entry by its key": (
        tree(containers=[container("x", image="1"), container("y", image="1")]),
        {
            "spec": {
                "containers": [container("y", image="2")],
                "$setElementOrder/containers": [{"name": "y"}, {"name": "x"}],
            },
        },
        tree(containers=[container("y", image="2"), container("x", image="1")]),
    ),
    "an entry deleted": (
        tree(containers=[container("x"), container("y")]),
        {"spec": {"containers": [{"name": "x", "$patch": "delete"}]}},
        tree(containers=[container("y")]),
    ),
    "a field deleted": (tree(a=1, b=2), {"spec": {"a": None}}, tree(b=2)),
    "fields that exclude one another": (
        tree(volumes=[{"name": "v", "secret": {"secretName": "s"}}]),
        {"spec": {"volumes": [{"name": "v", "csi": {"driver": "d"}, "$retainKeys": ["name", "csi"]}]}},
        tree(volumes=[{"name": "v", "csi": {"driver": "d"}}]),
    ),
}


@pytest.mark.parametrize("name", PATCHED)
def test_strategic_patches(name):
    live, patch, expected = PATCHED[name]
    assert fields.strategically_patched(live, patch) == expected


def request(cluster, method, path, body=None, kind="application/json"):
    """Status and answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": kind, "User-Agent": "a-test/1"}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(cluster.url + path, data, headers, method=method), timeout=10
        ) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


MAPS = "/api/v1/namespaces/default/configmaps"
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"


def test_objects_come_and_go(cluster):
    assert request(cluster, "GET", f"{MAPS}/a")[0] == 404
    made = {"metadata": {"name": "a", "labels": {"of": "helm"}}, "data": {"x": "1"}}
    status, first = request(cluster, "POST", MAPS, made)
    assert status == 201 and first["kind"] == "ConfigMap" and first["metadata"]["namespace"] == "default"
    assert request(cluster, "POST", MAPS, made)[0] == 409
    status, second = request(cluster, "PATCH", f"{MAPS}/a", {"data": {"y": "2"}}, "application/merge-patch+json")
    assert status == 200 and second["data"] == {"x": "1", "y": "2"}
    assert request(cluster, "PUT", f"{MAPS}/a", first)[0] == 409, "it was changed meanwhile"
    for selector, found in [("of=helm", 1), ("of!=helm", 0), ("of=other", 0), ("", 1)]:
        assert len(request(cluster, "GET", f"{MAPS}?labelSelector={selector}")[1]["items"]) == found, selector
    assert request(cluster, "GET", f"{MAPS}?labelSelector=of+in+(helm)")[0] == 400
    assert request(cluster, "DELETE", f"{MAPS}/a")[0] == 200
    assert request(cluster, "DELETE", f"{MAPS}/a")[0] == 404


@pytest.mark.parametrize(
    ("name", "method", "path", "body", "code", "told"),
    [
        ("no such kind", "GET", "/apis/apps/v1/daemonsets", None, 404, "daemonsets"),
        ("no such namespace", "POST", MAPS.replace("default", "x"), {"metadata": {"name": "a"}}, 404, "namespaces"),
        ("an unknown field", "POST", MAPS, {"metadata": {"name": "a"}, "dato": {}}, 422, "dato"),
        ("a wrong type", "POST", MAPS, {"metadata": {"name": "a"}, "data": []}, 422, "data"),
        ("another kind", "POST", ACCOUNTS, {"kind": "Secret", "metadata": {"name": "a"}}, 422, "ServiceAccount"),
        ("a dry run", "POST", f"{MAPS}?dryRun=All", {"metadata": {"name": "a"}}, 400, "dry"),
    ],
)
def test_it_refuses(cluster, name, method, path, body, code, told):
    status, answer = request(cluster, method, path, body)
    assert status == code and told in answer["message"], answer


def test_a_watch_tells_of_what_happens(cluster):
    request(cluster, "POST", MAPS, {"metadata": {"name": "before"}})
    with urllib.request.urlopen(f"{cluster.url}{MAPS}?watch=true&sendInitialEvents=true", timeout=10) as events:
        request(cluster, "POST", ACCOUNTS, {"metadata": {"name": "another kind"}})
        request(cluster, "POST", MAPS, {"metadata": {"name": "after"}})
        request(cluster, "DELETE", f"{MAPS}/before")
        told = [json.loads(events.readline()) for _ in range(4)]
    assert [(event["type"], event["object"]["metadata"].get("name")) for event in told] == [
        ("ADDED", "before"),
        ("BOOKMARK", None),
        ("ADDED", "after"),
        ("DELETED", "before"),
    ]
