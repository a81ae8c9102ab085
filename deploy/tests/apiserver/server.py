"""The server: paths and requests in, objects out."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

from . import fields
from .controllers import Controllers
from .discovery import described
from .errors import ApiError, not_found
from .resources import ALL, NAMESPACES
from .store import Store
from .wire import decoded

PATCHES = {
    "application/merge-patch+json": fields.merge_patched,
    "application/strategic-merge-patch+json": fields.strategically_patched,
}
APPLY = "application/apply-patch+yaml"


class ApiServer:
    """Serves on a free port of this machine until it is closed."""

    def __init__(self, version):
        """`version` is that of Kubernetes, such as 1.33."""
        self.store = Store(version)
        self.store.create(NAMESPACES, None, {"metadata": {"name": "default"}}, "kube-apiserver")
        handler = type("BoundHandler", (Handler,), {"store": self.store})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._threads = [threading.Thread(target=self._server.serve_forever, daemon=True), Controllers(self.store)]
        for thread in self._threads:
            thread.start()

    def close(self):
        self.store.close()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join()

    def objects(self, kind=None, namespace=None):
        """What the cluster holds: all, or what is of a kind."""
        return [object for object in self.store.list(None, namespace) if kind in (None, object["kind"])]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    store: Store

    def log_message(self, *_):
        pass

    def answer(self):
        url = urlparse(self.path)
        self.query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            told = described(url.path.rstrip("/"), self.store.version)
            if told is None:
                told = self.about_objects(url.path)
            if told is not None:
                self.send_object(200, told)
        except ApiError as error:
            self.send_object(error.code, error.status())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def about_objects(self, path):
        """The answer to a request about an object, or about those of a kind; None where it has been sent."""
        resource, namespace, name, part = located(path)
        if part not in (None, "status") or (part and self.command != "GET"):
            raise not_found("path", path)
        if self.command == "GET":
            if name:
                return self.store.get(resource, namespace, name)
            is_watch = self.query.get("watch") in ("true", "1")
            return self.watch(resource, namespace) if is_watch else self.list(resource, namespace)
        if self.query.get("dryRun"):
            raise ApiError(400, "BadRequest", "this server knows no dry runs")
        if self.command == "DELETE":
            self.store.delete(resource, namespace, name)
            return {"kind": "Status", "apiVersion": "v1", "status": "Success"}
        return self.write(resource, namespace, name)

    def write(self, resource, namespace, name):
        object = decoded(self.body)
        manager = self.query.get("fieldManager") or self.headers.get("User-Agent", "unknown").split("/")[0]
        kind = self.headers.get("Content-Type", "").split(";")[0]
        if self.command == "POST":
            self.send_object(201, self.store.create(resource, namespace, object, manager))
            return None
        if self.command == "PUT":
            return self.store.change(resource, namespace, name, manager, lambda _: object)
        if kind == APPLY:
            force = self.query.get("force") == "true"
            return self.store.apply(resource, namespace, name, object, manager, force)
        if kind not in PATCHES:
            raise ApiError(415, "UnsupportedMediaType", f"this server knows no {kind}")
        return self.store.change(resource, namespace, name, manager, lambda live: PATCHES[kind](live, object))

    def list(self, resource, namespace):
        with self.store.changed:
            meta = {"resourceVersion": self.store.revision}
            items = [object for object in self.store.list(resource, namespace) if self.is_meant(object)]
        return {"kind": f"{resource.kind}List", "apiVersion": resource.group_version, "metadata": meta, "items": items}

    def watch(self, resource, namespace):
        """Sends events for as long as the client listens: from a revision on, or all that there is at first."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.close_connection = True
        since = self.query.get("resourceVersion", "")
        with self.store.changed:
            first, seen = [], int(since or 0)
            if seen == 0 or "sendInitialEvents" in self.query:
                first = [("ADDED", object) for object in self.list(resource, namespace)["items"]]
                seen = len(self.store.events)
        if self.query.get("sendInitialEvents") == "true":
            meta = {"resourceVersion": str(seen), "annotations": {"k8s.io/initial-events-end": "true"}}
            end = {"kind": resource.kind, "apiVersion": resource.group_version, "metadata": meta}
            first.append(("BOOKMARK", end))
        try:
            for event in first:
                self.send_event(*event)
            while True:
                with self.store.changed:
                    self.store.changed.wait_for(lambda: self.store.closed or len(self.store.events) > seen)
                    if self.store.closed:
                        return
                    fresh, seen = self.store.events[seen:], len(self.store.events)
                for event, kind, object in fresh:
                    is_here = kind == resource and namespace in (None, object["metadata"].get("namespace"))
                    if is_here and self.is_meant(object):
                        self.send_event(event, object)
        except OSError:
            pass  # nobody listens any more

    def is_meant(self, object):
        """Whether an object fits the selectors of the request."""
        meta = object["metadata"]
        found = {"metadata.name": meta["name"], "metadata.namespace": meta.get("namespace")}
        for parameter, told in {"labelSelector": meta.get("labels", {}), "fieldSelector": found}.items():
            for requirement in filter(None, self.query.get(parameter, "").split(",")):
                parts = re.fullmatch(r"([^=!]+)(==?|!=)([^=!]*)", requirement)
                if parts is None:
                    raise ApiError(400, "BadRequest", f"this server does not understand the selector {requirement}")
                name, operator, value = parts.groups()
                if (told.get(name) == value) == (operator == "!="):
                    return False
        return True

    def send_event(self, event, object):
        line = json.dumps({"type": event, "object": object}).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

    def send_object(self, code, object):
        body = json.dumps(object).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def located(path):
    """Resource, namespace, name and part of an object that a path leads to; each but the first may be None."""
    root, *parts = path.strip("/").split("/")
    if root == "api":
        group_version, *parts = parts
    elif root == "apis" and len(parts) > 2:
        group_version, parts = "/".join(parts[:2]), parts[2:]
    else:
        raise not_found("path", path)
    namespace = None
    if len(parts) > 2 and parts[0] == "namespaces":
        namespace, parts = parts[1], parts[2:]
    plural, name, part, *more = [*parts, None, None, None]
    resource = ALL.get((group_version, plural))
    if resource is None or any(more):
        raise not_found("path", path)
    return resource, namespace, name, part
