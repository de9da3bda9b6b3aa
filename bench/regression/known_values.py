"""Schemathesis hooks: half of the generated requests name a task, an asset and a URL that exist.

Random identifiers would only ever reach the 404 of each operation.
"""

import json
import os

import schemathesis

KNOWN = json.loads(os.environ["REELVEC_KNOWN"])


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if path_parameters and hash(repr(path_parameters)) % 2:
        for name in path_parameters:
            if name.startswith("task"):
                path_parameters[name] = KNOWN["task"]
            elif name.startswith("asset"):
                path_parameters[name] = KNOWN["asset"]
    return path_parameters


@schemathesis.hook
def map_body(context, body):
    if isinstance(body, dict) and hash(repr(body)) % 2:
        substitute(body)
    return body


def substitute(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "asset_id" and isinstance(inner, str):
                value[name] = KNOWN["asset"]
            elif name == "url" and isinstance(inner, str):
                value[name] = KNOWN["url"]
            else:
                substitute(inner)
    elif isinstance(value, list):
        for inner in value:
            substitute(inner)
