"""Each defect of the peers has its proof that it is not here (scripts/peer-defects.yaml).

usage: check-defects.py
"""

import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    failed = False
    defects = yaml.safe_load((ROOT / "scripts/peer-defects.yaml").read_text("utf-8"))
    numbers = [int(name.partition(" ")[0]) for name in defects["operator"]]
    if numbers != list(range(1, 18)) or len(defects["chart"]) < 15:
        print("check-defects: a defect is left out", file=sys.stderr)
        failed = True
    for peer, proofs in defects.items():
        for defect, places in proofs.items():
            for path, words in places.items():
                file = ROOT / path
                if not file.is_file() or words not in file.read_text("utf-8"):
                    print(f"check-defects: {peer}: {defect}: “{words}” is not in {path}", file=sys.stderr)
                    failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
