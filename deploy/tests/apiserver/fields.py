"""Objects as trees of fields: who set which, and what patches do to them.

A field is named by its path, in which an entry of a list that is merged has its key. Fields of an object's identity and
of its status are nobody's.
"""

import copy

from .errors import ApiError, invalid

# Lists whose entries are told apart by a key. All others are replaced as a whole.
KEYS = {
    "conditions": "type",
    "containers": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "listeners": "name",
    "ownerReferences": "uid",
    "ports": "port",
    "topologySpreadConstraints": "topologyKey",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
IDENTITY = {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"}


class Key(str):
    """The key of an entry, as a part of a path."""


def is_merged(field, node):
    return field in KEYS and isinstance(node, list) and all(isinstance(entry, dict) for entry in node)


def key_of(field, entry):
    if field == "ports":
        return Key(f"{entry.get('containerPort', entry.get('port'))}/{entry.get('protocol', 'TCP')}")
    return Key(entry[KEYS[field]])


def by_key(field, entries):
    return {key_of(field, entry): entry for entry in entries}


def fields(object):
    """Path to value of every field that somebody can own."""
    own = {name: value for name, value in object.items() if name not in {"apiVersion", "kind", "metadata", "status"}}
    own["metadata"] = {name: value for name, value in object["metadata"].items() if name not in IDENTITY}
    return dict(_leaves(own, ()))


def _leaves(node, path):
    field = path[-1] if path else None
    if isinstance(node, dict) and node:
        for name, child in node.items():
            yield from _leaves(child, (*path, name))
    elif node and is_merged(field, node):
        for key, entry in by_key(field, node).items():
            yield (*path, key), None  # that the entry is there
            yield from _leaves(entry, (*path, key))
    elif path != ("metadata",):
        yield path, node


def applied(live, config, manager, owners, force):
    """The object and its owners when a manager says by server-side apply all that it wants."""
    wanted, present = fields(config), fields(live)
    conflicts = {
        path: other
        for other, theirs in owners.items()
        for path in theirs & wanted.keys()
        if other != manager and present.get(path) != wanted[path]
    }
    if conflicts and not force:
        raise _conflict(conflicts)
    others = {other: theirs - conflicts.keys() for other, theirs in owners.items() if other != manager}
    given_up = owners.get(manager, set()) - wanted.keys() - set().union(*others.values())
    result = _merged(live, config, None)
    for path in sorted(given_up, key=len):
        if not _names_its_entry(path):
            result = _without(result, path)
    return result, {**others, manager: set(wanted)}


def _conflict(conflicts):
    first, *more = [f'conflict with "{other}": .{".".join(path)}' for path, other in conflicts.items()]
    causes = [
        {"reason": "FieldManagerConflict", "message": f'conflict with "{other}"', "field": f".{'.'.join(path)}"}
        for path, other in conflicts.items()
    ]
    text = f"Apply failed with {len(causes)} conflict{'s' if more else ''}: {'; '.join([first, *more])}"
    return ApiError(409, "Conflict", text, causes)


def updated(before, after, manager, owners):
    """The owners after a manager has changed an object otherwise: what it changed is its own."""
    old, new = fields(before), fields(after)
    changed = {path for path, value in new.items() if path not in old or old[path] != value}
    remaining = {other: (theirs & new.keys()) - changed for other, theirs in owners.items()}
    return {**remaining, manager: remaining.get(manager, set()) | changed}


def _merged(live, config, field):
    if isinstance(live, dict) and isinstance(config, dict):
        names = [*live, *(name for name in config if name not in live)]
        return {name: _merged(live.get(name), config.get(name, live.get(name)), name) for name in names}
    if is_merged(field, live) and is_merged(field, config):
        kept, wanted = by_key(field, live), by_key(field, config)
        order = [*wanted, *(key for key in kept if key not in wanted)]
        return [_merged(kept.get(key), wanted.get(key, kept.get(key)), None) for key in order]
    return copy.deepcopy(config)


def _without(node, path, field=None):
    """A node without the field at a path; None where nothing is left of it."""
    first, *rest = path
    if isinstance(first, Key):
        entries = by_key(field, node)
        if first in entries:
            entries = _replaced(entries, first, _without(entries[first], rest) if rest else None)
        return list(entries.values()) or None
    if not isinstance(node, dict) or first not in node:
        return node
    left = _without(node[first], rest, first) if rest else None
    return _replaced(node, first, left) or None


def _replaced(node, name, child):
    """A node with another child, or without it where that is None."""
    return {known: child if known == name else old for known, old in node.items() if known != name or child is not None}


def _names_its_entry(path):
    """Whether a field is what tells an entry of a list from the others: it goes with the entry."""
    return len(path) > 2 and isinstance(path[-2], Key) and path[-1] in {KEYS[path[-3]], "containerPort", "protocol"}


def merge_patched(live, patch):
    """What a JSON merge patch (RFC 7396) makes of an object."""
    if not (isinstance(live, dict) and isinstance(patch, dict)):
        return copy.deepcopy(patch)
    result = {name: value for name, value in live.items() if patch.get(name, value) is not None}
    for name, value in patch.items():
        if value is not None:
            result[name] = merge_patched(live.get(name, {}), value)
    return result


def strategically_patched(live, patch, field=None):
    """What Kubernetes' own kind of patch makes of an object."""
    if is_merged(field, patch):
        return _patched_entries(live or [], patch, field)
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = copy.deepcopy(live) if isinstance(live, dict) else {}
    if "$retainKeys" in patch:
        result = {name: value for name, value in result.items() if name in patch["$retainKeys"]}
    for name, value in patch.items():
        if name == "$retainKeys" or name.startswith("$setElementOrder/"):
            continue
        if name.startswith("$"):
            raise invalid(f"this server does not know the directive {name}")
        if value is None:
            result.pop(name, None)
        else:
            result[name] = strategically_patched(result.get(name), value, name)
    for name, order in patch.items():
        if name.startswith("$setElementOrder/") and is_merged(field := name.split("/", 1)[1], result.get(field)):
            places = {key_of(field, entry): place for place, entry in enumerate(order)}
            result[field].sort(key=lambda entry: places.get(key_of(field, entry), len(places)))
    return result


def _patched_entries(live, patch, field):
    entries = by_key(field, live)
    for key, change in by_key(field, patch).items():
        if change.get("$patch") == "delete":
            entries.pop(key, None)
        else:
            entries[key] = strategically_patched(entries.get(key), change)
    return list(entries.values())
