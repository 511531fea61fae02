"""Puts Secrets where the broker's Deployment mounts them, and its configuration beside them.

usage: mount-secrets.py SECRETS MANIFESTS FOLDER, with the Secrets as folders of files
"""

import pathlib
import shutil
import sys

import yaml


def place(item, source, target):
    target.mkdir(parents=True, exist_ok=True)
    for entry in item["items"]:
        if not (source / entry["key"]).is_file():
            sys.exit(f"mount-secrets: the Secret {source.name} has no {entry['key']}")
        shutil.copy(source / entry["key"], target / entry["path"])
        (target / entry["path"]).chmod(0o400)


def main(secrets, manifests, folder):
    secrets, folder = pathlib.Path(secrets), pathlib.Path(folder)
    objects = [item for item in yaml.safe_load_all(manifests.read_text("utf-8")) if item]
    named = {(item["kind"], item["metadata"]["name"]): item for item in objects}
    pod = named["Deployment", "claviger-broker"]["spec"]["template"]["spec"]
    paths = {m["name"]: m["mountPath"] for m in pod["containers"][0]["volumeMounts"]}
    for volume in pod["volumes"]:
        target = folder / pathlib.Path(paths[volume["name"]]).relative_to("/etc/claviger")
        if "secret" in volume:
            place(volume["secret"], secrets / volume["secret"]["secretName"], target)
        for source in volume.get("projected", {}).get("sources", []):
            if "secret" in source:
                place(source["secret"], secrets / source["secret"]["name"], target)
            elif "configMap" in source or "serviceAccountToken" in source:
                # What the kubelet makes itself: the authority of the cluster, and a token.
                target.mkdir(parents=True, exist_ok=True)
                (target / "token").write_text("token", "utf-8")
                shutil.copy(secrets / "claviger-tls/ca.crt", target / "ca.crt")
    text = named["ConfigMap", "claviger-broker"]["data"]["broker.yaml"].replace("/etc/claviger/", f"{folder}/")
    (folder / "broker.yaml").write_text(text, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3])
