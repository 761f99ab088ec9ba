#!/usr/bin/env python3
"""Which operations were answered with a success, by at least one role?

    reached.py UNREACHED DOCUMENT HAR…

UNREACHED names the operations that generated requests can't do, each with its reason; this list only shrinks. Any other
operation without a success is a fault, and so is a name on the list that the document doesn't have.
"""

import json
import re
import sys
from collections import defaultdict
from urllib.parse import urlsplit


def patterns(document):
    """A pattern per operation; a place in a path takes one segment."""
    for template, item in document["paths"].items():
        expression = re.sub(r"\\\{[^/]*\\\}", "[^/]+", re.escape(template))
        for method, operation in item.items():
            yield operation["operationId"], method.upper(), re.compile(f"/v1{expression}$")


def main():
    unreached, document, *reports = sys.argv[1:]
    with open(unreached) as file:
        known = {line.split()[0] for line in file if line.strip() and not line.startswith("#")}
    with open(document) as file:
        operations = list(patterns(json.load(file)))
    # A plain path comes before one with places: /sessions/current is no /sessions/{id}.
    operations.sort(key=lambda operation: "[^/]+" in operation[2].pattern)
    statuses = defaultdict(lambda: defaultdict(int))
    for report in reports:
        with open(report) as file:
            entries = json.load(file)["log"]["entries"]
        for entry in entries:
            method, path = entry["request"]["method"], urlsplit(entry["request"]["url"]).path
            name = next((name for name, verb, pattern in operations if verb == method and pattern.match(path)), None)
            statuses[name][entry["response"]["status"]] += 1
    gone = sorted(known - {operation[0] for operation in operations})
    for name in gone:
        print(f"{name} is on the list of {unreached} but not in the document")
    faults = len(gone)
    reached = 0
    for name in sorted(operation[0] for operation in operations):
        success = any(200 <= status < 300 for status in statuses[name])
        reached += success
        if success and name in known:
            print(f"{name} was reached: take it off the list")
        elif not success and name not in known:
            faults += 1
            print(f"{name} was never answered with a success: {dict(statuses[name])}")
    print(f"{reached} of {len(operations)} operations were answered with a success")
    sys.exit(1 if faults else 0)


main()
