"""What clients send: JSON, YAML, or the protobuf that Helm's typed clients write for Secrets."""

import base64

import yaml

from .errors import ApiError

PROTOBUF = b"k8s\x00"


def decoded(body):
    """The object in a request's body."""
    if not body.startswith(PROTOBUF):
        # JSON is YAML.
        return yaml.load(body, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    unknown = _fields(body[len(PROTOBUF) :])
    told = _fields(unknown[1][0])
    kind = _text(told[2])
    object = {"apiVersion": _text(told[1]), "kind": kind}
    content = _fields(unknown[2][0])
    object["metadata"] = _metadata(_fields(content[1][0]))
    if kind == "Secret":
        data = _map(content.get(2, []))
        object["data"] = {name: base64.b64encode(value).decode() for name, value in data.items()}
        object["type"] = _text(content.get(3, [b"Opaque"]))
    elif kind != "Namespace":
        raise ApiError(415, "UnsupportedMediaType", f"this server reads a {kind} as JSON only")
    return object


def _metadata(meta):
    names = {1: "name", 2: "generateName", 3: "namespace", 5: "uid", 6: "resourceVersion"}
    told = {names[number]: _text(value) for number, value in meta.items() if number in names}
    maps = {"labels": meta.get(11), "annotations": meta.get(12)}
    for name, entries in maps.items():
        if entries:
            told[name] = {key: value.decode() for key, value in _map(entries).items()}
    return {name: value for name, value in told.items() if value}


def _text(values):
    return values[0].decode()


def _map(entries):
    pairs = [_fields(entry) for entry in entries]
    return {_text(pair[1]): pair.get(2, [b""])[0] for pair in pairs}


def _fields(message):
    """Number to values of the fields of a message: bytes, or integers."""
    found, at = {}, 0

    def varint():
        nonlocal at
        number = shift = 0
        while True:
            byte = message[at]
            at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    while at < len(message):
        number, kind = divmod(varint(), 8)
        if kind == 0:
            value = varint()
        elif kind == 2:
            length = varint()
            value = message[at : at + length]
            at += length
        else:
            raise ApiError(400, "BadRequest", "no message of Kubernetes")
        found.setdefault(number, []).append(value)
    return found
