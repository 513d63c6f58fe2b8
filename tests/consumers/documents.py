"""A connections.json, read and held against its JSON Schema.

    documents.py SCHEMA FILE

One line of JSON:

    errors     what is wrong with the file
    passed     what the schema lets pass that it should not: a key too many, a key too few
    tried      how many such changes there were
    found      the connections, texts as hexadecimal UTF-8
"""

import copy
import json
import sys

from jsonschema import Draft202012Validator

# Their keys are anybody's.
TAGS = {"tags", "match_tags"}


def hexadecimal(text):
    return text.encode().hex()


def places(value, path=()):
    """The paths of all objects whose keys the schema names."""
    if isinstance(value, dict) and not (path and path[-1] in TAGS):
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def at(document, path):
    for key in path:
        document = document[key]
    return document


def changed(document):
    """The document with a key too many, or one too few, in each place."""
    for path in places(document):
        wider = copy.deepcopy(document)
        at(wider, path)["unheard_of"] = None
        yield [*path, "unheard_of"], wider
        for key in at(document, path):
            narrower = copy.deepcopy(document)
            del at(narrower, path)[key]
            yield [*path, key], narrower


def main():
    schema_file, file = sys.argv[1:]
    with open(schema_file, encoding="utf-8") as opened:
        schema = json.load(opened)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    with open(file, encoding="utf-8") as opened:
        document = json.load(opened)

    few = dict(document, folders=document["folders"][:1], connections=document["connections"][:2])
    changes = list(changed(few))
    found = [
        {
            "account_id": connection["account_id"],
            "handle": connection["handle"],
            "name": hexadecimal(connection["name"]),
            "email": hexadecimal(connection["email"]),
            "path": hexadecimal(connection["folder"]["path"]),
            "tags": {hexadecimal(key): hexadecimal(value) for key, value in connection["tags"].items()},
        }
        for connection in document["connections"]
    ]
    answer = {
        "errors": [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)][:5],
        "passed": [path for path, document in changes if validator.is_valid(document)],
        "tried": len(changes),
        "found": found,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
