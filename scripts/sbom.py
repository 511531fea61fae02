"""Prints the software bill of materials of an image as SPDX 2.3 JSON: scripts/sbom.py PROGRAM VERSION ROOTFS PINS

Listed are the program, the Swift packages it was built with (PINS is Package.resolved: what the build resolved, whether linked
or not), and each Debian package that gave the image a file, with the SHA-256 digest of every file. The same input gives the same
bytes: the date is SOURCE_DATE_EPOCH, and the namespace is made from the contents.
"""

import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.parse


def identifier(*parts):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]+", "-", "-".join(parts))


def package(kind, name, version, locator, license_name="NOASSERTION", source="NOASSERTION"):
    return {
        "SPDXID": identifier(kind, name),
        "name": name,
        "versionInfo": version,
        "downloadLocation": source,
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": license_name,
        "copyrightText": "NOASSERTION",
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}
        ],
    }


def swift_packages(pins):
    for pin in json.loads(pathlib.Path(pins).read_text())["pins"]:
        state = pin["state"]
        version = state.get("version") or state["revision"]
        location = pin["location"].removeprefix("https://").removesuffix(".git")
        yield package(
            "swift", pin["identity"], version, f"pkg:swift/{location}@{version}",
            source=f"git+{pin['location']}@{state['revision']}")


def debian_owners():
    """The package that installed each file of this machine, by path."""
    owners = {}
    for listing in pathlib.Path("/var/lib/dpkg/info").glob("*.list"):
        for line in listing.read_text().splitlines():
            owners.setdefault(line, listing.stem)
    return owners


def debian_owner(owners, path):
    """The package that installed a file, or None; Debian 12 knows /lib also as /usr/lib."""
    candidates = (path, "/usr" + path, os.path.realpath(path))
    return next((owners[candidate] for candidate in candidates if candidate in owners), None)


def debian_package(owner):
    fields = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${Package} ${Version} ${Architecture}", owner],
        capture_output=True, text=True, check=True).stdout.split()
    name, version, architecture = fields
    return package("deb", name, version, f"pkg:deb/debian/{name}@{urllib.parse.quote(version)}?arch={architecture}")


def main(program, version, root, pins):
    root = pathlib.Path(root)
    packages = [package("program", program, version, f"pkg:generic/{program}@{version}", "Apache-2.0")]
    top = packages[0]["SPDXID"]
    packages += swift_packages(pins)
    links = [("SPDXRef-DOCUMENT", "DESCRIBES", top)]
    links += [(top, "DEPENDS_ON", each["SPDXID"]) for each in packages[1:]]

    files, seen, owners = [], {}, debian_owners()
    for path in sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink()):
        inside = "/" + str(path.relative_to(root))
        contents = path.read_bytes()
        entry = {
            "SPDXID": identifier("file", inside),
            "fileName": "." + inside,
            "checksums": [
                {"algorithm": "SHA1", "checksumValue": hashlib.sha1(contents).hexdigest()},
                {"algorithm": "SHA256", "checksumValue": hashlib.sha256(contents).hexdigest()},
            ],
            "licenseConcluded": "NOASSERTION",
            "copyrightText": "NOASSERTION",
        }
        files.append(entry)
        owner = None if inside.startswith("/usr/bin/") else debian_owner(owners, inside)
        if owner is None:
            links.append((top, "CONTAINS", entry["SPDXID"]))
            continue
        if owner not in seen:
            seen[owner] = debian_package(owner)
            links.append((top, "DEPENDS_ON", seen[owner]["SPDXID"]))
        links.append((seen[owner]["SPDXID"], "CONTAINS", entry["SPDXID"]))
    packages += [seen[owner] for owner in sorted(seen)]

    created = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.timezone.utc)
    body = {
        "packages": packages,
        "files": files,
        "relationships": [
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other} for one, kind, other in links
        ],
    }
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{program}-{version}",
        "documentNamespace": f"https://claviger.dev/sbom/{program}/{digest}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: claviger-sbom"]},
        **body,
    }
    json.dump(document, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(*sys.argv[1:])
