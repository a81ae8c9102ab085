"""The objects, who owns their fields, and what has happened to them."""

import copy
import datetime
import threading
import uuid

from . import fields
from .admission import admitted
from .errors import ApiError, invalid, not_found
from .resources import NAMESPACES


class Store:
    """All objects of a cluster. An object that was handed out is never changed: a change makes another one."""

    def __init__(self, version):
        self.version = version
        # Held during any access; told of every event.
        self.changed = threading.Condition()
        self.events = []  # (type, resource, object)
        self.closed = False
        self._objects = {}  # (resource, namespace or None, name) to object
        self._owners = {}  # uid to {manager: paths of fields}

    def get(self, resource, namespace, name):
        with self.changed:
            object = self._objects.get((resource, namespace, name))
        if object is None:
            raise not_found(resource.title, name)
        return object

    def list(self, resource=None, namespace=None):
        """Objects of a kind, or of all; of a namespace, or of all."""
        with self.changed:
            found = sorted(self._objects.items(), key=lambda item: (item[0][0], item[0][1] or "", item[0][2]))
        return [
            object
            for (kind, place, _), object in found
            if resource in (None, kind) and namespace in (None, place)
        ]

    @property
    def revision(self):
        return str(len(self.events))

    def create(self, resource, namespace, object, manager):
        name = object["metadata"].get("name") or object["metadata"].get("generateName", "") + uuid.uuid4().hex[:5]
        object = _identified(object, resource, namespace, name)
        with self.changed:
            if (resource, namespace, name) in self._objects:
                raise ApiError(409, "AlreadyExists", f'{resource.title} "{name}" already exists')
            return self._write(resource, None, object, fields.updated({"metadata": {}}, object, manager, {}))

    def change(self, resource, namespace, name, manager, edit):
        """Replaces an object by what a function makes of it."""
        with self.changed:
            live = self.get(resource, namespace, name)
            object = _identified(edit(live), resource, namespace, name)
            expected = object["metadata"].get("resourceVersion", live["metadata"]["resourceVersion"])
            if expected != live["metadata"]["resourceVersion"]:
                raise ApiError(409, "Conflict", f'{resource.title} "{name}" was changed meanwhile')
            owners = fields.updated(live, object, manager, self._owners[live["metadata"]["uid"]])
            return self._write(resource, live, object, owners)

    def apply(self, resource, namespace, name, config, manager, force):
        """Makes an object what a manager says that it should be, or creates it."""
        config = _identified(config, resource, namespace, name)
        with self.changed:
            live = self._objects.get((resource, namespace, name))
            owners = self._owners[live["metadata"]["uid"]] if live else {}
            start = live or {"metadata": {}}
            object, owners = fields.applied(start, config, manager, owners, force)
            return self._write(resource, live, object, owners)

    def set_status(self, resource, object, status):
        """What a controller found; no field of anybody's."""
        with self.changed:
            at = _place(resource, object)
            live = self._objects.get(at)
            if live and live["metadata"]["uid"] == object["metadata"]["uid"] and live.get("status") != status:
                self._put(resource, "MODIFIED", {**live, "status": status})

    def delete(self, resource, namespace, name):
        """Deletes an object, what it owns, and what is in it."""
        with self.changed:
            object = self.get(resource, namespace, name)
            del self._objects[resource, namespace, name]
            uid = object["metadata"]["uid"]
            del self._owners[uid]
            self._tell("DELETED", resource, object)
            for kind, place, other in [
                key
                for key, found in self._objects.items()
                if any(owner["uid"] == uid for owner in found["metadata"].get("ownerReferences", []))
                or (resource == NAMESPACES and key[1] == name)
            ]:
                if (kind, place, other) in self._objects:
                    self.delete(kind, place, other)

    def close(self):
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def _write(self, resource, live, object, owners):
        namespace, name = _place(resource, object)[1:]
        if namespace is not None and (NAMESPACES, None, namespace) not in self._objects:
            raise not_found("namespaces", namespace)
        object = admitted(resource, object, live, self.version)
        meta = dict(object["metadata"])
        if live is None:
            now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
            meta.update(uid=str(uuid.uuid4()), creationTimestamp=now, generation=1)
        else:
            kept = ["uid", "creationTimestamp", "generation"]
            meta.update({field: live["metadata"][field] for field in kept})
            meta["generation"] += live.get("spec") != object.get("spec")
            if "status" in live:
                object = {**object, "status": live["status"]}
        self._owners[meta["uid"]] = owners
        if live and {**object, "metadata": {**meta, "resourceVersion": live["metadata"]["resourceVersion"]}} == live:
            return live
        return self._put(resource, "MODIFIED" if live else "ADDED", {**object, "metadata": meta})

    def _put(self, resource, event, object):
        object = copy.deepcopy(object)
        object["metadata"]["resourceVersion"] = str(len(self.events) + 1)
        self._objects[_place(resource, object)] = object
        self._tell(event, resource, object)
        return object

    def _tell(self, event, resource, object):
        self.events.append((event, resource, object))
        self.changed.notify_all()


def _place(resource, object):
    return resource, object["metadata"].get("namespace"), object["metadata"]["name"]


def _identified(object, resource, namespace, name):
    """An object with the name of the path that it came by."""
    for field, expected in {"apiVersion": resource.group_version, "kind": resource.kind}.items():
        if object.get(field, expected) != expected:
            raise invalid(f"{field} is {object[field]}, and {expected} is expected at {resource.title}")
    meta = {**object["metadata"], "name": name}
    if namespace is not None:
        if meta.setdefault("namespace", namespace) != namespace:
            raise invalid(f"the namespace of {name} is {meta['namespace']}, and {namespace} that of the request")
    return {**object, "apiVersion": resource.group_version, "kind": resource.kind, "metadata": meta}
