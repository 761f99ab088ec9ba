#!/usr/bin/env python3
"""Settings for schemathesis that fill the places of paths with ids of records that the caller can see.

    records.py URL < settings.toml > settings-of-this-role.toml

The token comes in SCHEMATHESIS_TOKEN. Which lists there are is read off the document: for every path with ids in it,
the list above each id is asked for its first record. A path for which there is none gets no settings, so that its ids
are made up. With a real record and `If-Match: *`, generated changes get as far as the record itself.
"""

import json
import os
import re
import sys
import urllib.error
import urllib.request

URL = sys.argv[1]
HEADERS = {"Authorization": "Bearer " + os.environ["SCHEMATHESIS_TOKEN"]}


def ask(method, path, body=None, content_type=None, more=None):
    """The answer's JSON; None if it was refused."""
    headers = HEADERS | ({"Content-Type": content_type} if content_type else {}) | (more or {})
    request = urllib.request.Request(URL + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)
    except urllib.error.HTTPError:
        return None


def first_in(path, known, myself):
    """The first record of a list; never the caller's own account, which a change could lock out."""
    if path not in known:
        items = (ask("GET", path) or {}).get("items") or []
        others = [item["id"] for item in items if "id" in item and item["id"] != myself]
        known[path] = others[0] if others else None
    return known[path]


def ids_of(template, known, myself):
    """A real id for each place of the template; None unless there is one for all."""
    ids, path = {}, ""
    for segment in template.split("/")[1:]:
        if not segment.startswith("{"):
            path += "/" + segment
            continue
        found = first_in(path, known, myself)
        if found is None:
            return None
        ids[segment.strip("{}")] = found
        path += "/" + found
    return ids


def bring_in(table):
    """The id of an import that is decided; None for who may not make one."""
    made = ask("POST", "/imports", table, "text/csv")
    if not made:
        return None
    decided = json.dumps({"legalBasis": "contract", "source": "old-crm"}).encode()
    ask("PATCH", f"/imports/{made['id']}", decided, "application/merge-patch+json", {"If-Match": "*"})
    return made["id"]


def prepare():
    """What the demonstration hasn't made: a file that was brought in with its job, and customers that belong together.

    Gives ids for single paths: what is changed and removed is another file than the one that is run.
    """
    own = {}
    spare, run = bring_in(b"klantnummer;achternaam\n2;Voorbeeld\n"), bring_in(b"klantnummer;achternaam\n1;Voorbeeld\n")
    if spare and run:
        own["/imports/{id}"] = {"id": spare}
        ask("POST", f"/imports/{run}/runs", b'{"dryRun": true}', "application/json")
    customers = (ask("GET", "/customers") or {}).get("items") or []
    if len(customers) > 1:
        relation = json.dumps({"kind": "referrer", "toId": customers[1]["id"]}).encode()
        ask("POST", f"/customers/{customers[0]['id']}/relations", relation, "application/json")
    if len(customers) > 2:
        # Somebody whom nothing else asks for, so that there is an erasure to look up.
        ground = b'{"ground": "objection"}'
        ask("POST", f"/customers/{customers[-1]['id']}/erasure", ground, "application/json", {"If-Match": "*"})
    return own


def main():
    document = ask("GET", "/openapi.json")
    myself = (ask("GET", "/me") or {}).get("id")
    own = prepare()
    sys.stdout.write(sys.stdin.read())
    known = {}
    for template in document["paths"]:
        # One's own tokens: the run would end itself.
        if template.startswith("/me/"):
            continue
        ids = own.get(template) or (ids_of(template, known, myself) if "{" in template else None)
        if ids:
            filled = {f"path.{name}": value for name, value in ids.items()} | {"header.If-Match": "*"}
            pairs = ", ".join(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in filled.items())
            pattern = "^" + re.escape(template) + "$"
            print(f"\n[[operations]]\ninclude-path-regex = {json.dumps(pattern)}\nparameters = {{ {pairs} }}")


main()
