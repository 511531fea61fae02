"""What containers are started with, against what the programs themselves say that they take."""

import functools
import pathlib
import re
import subprocess

from chartchecks.findings import pod_of, title

PROGRAMS = {"claviger-broker", "claviger-controller", "attestation-agent", "claviger"}


@functools.cache
def known_flags(command):
    """The flags of a program or its subcommand, from its help."""
    answer = subprocess.run([*command, "--help"], stdout=subprocess.PIPE, text=True, check=True)
    return set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", answer.stdout.replace("/--", " --")))


def check_arguments(objects, programs, findings):
    for item in objects:
        found = pod_of(item)
        for container in (found[0].get("initContainers", []) + found[0]["containers"]) if found else []:
            program = container["image"].partition("@")[0].rpartition("/")[2].partition(":")[0]
            if program not in PROGRAMS:
                continue
            arguments = [str(argument) for argument in container["args"]]
            words = []
            for argument in arguments:
                if argument.startswith("-") or not re.fullmatch(r"[a-z]+", argument):
                    break
                words.append(argument)
            command = (str(pathlib.Path(programs) / program), *words)
            for argument in arguments:
                flag = argument.partition("=")[0]
                findings.require(
                    not flag.startswith("--") or flag in known_flags(command),
                    f"{title(item)}: {' '.join([program, *words])} has no option {flag}")
