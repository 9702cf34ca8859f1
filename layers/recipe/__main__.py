"""`python -m layers.recipe dependencies|provisioner FOLDER` builds that layer for AWS Lambda (layers/Makefile)."""

import argparse
from pathlib import Path

from layers.recipe.bytecode import compile_layer
from layers.recipe.dependencies import build_dependencies
from layers.recipe.interpreter import RUNTIME_VERSION, find_interpreter
from layers.recipe.provisioner import build_provisioner

BUILDERS = {"dependencies": build_dependencies, "provisioner": build_provisioner}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m layers.recipe", description=__doc__)
    parser.add_argument("layer", choices=BUILDERS)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    BUILDERS[asked.layer](asked.folder)
    interpreter = find_interpreter(RUNTIME_VERSION)
    if interpreter is None:
        version = ".".join(map(str, RUNTIME_VERSION))
        print(f"Not compiled: there is no Python {version} here; each cold start will take longer.")
    else:
        compile_layer(asked.folder, interpreter)


if __name__ == "__main__":
    main()
