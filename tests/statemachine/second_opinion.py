"""What statelint, which is not ours, has to say of the state machines: `python -m tests.statemachine.second_opinion`.

It follows the Amazon States Language specification field by field, JSONata included; our own check (check.py) knows
this project's rules. What it does not know is left out, each with the page of the Step Functions guide that does.
"""

import re
import sys
from typing import Final

from statelint.config import Config
from statelint.linter import Linter
from statelint.problem import ProblemType

from tests.statemachine.check import ROOT, Definition, load

# 2 is a number ("Error handling", BackoffRate), and ${…} is an ARN once deployed (SAM, DefinitionSubstitutions).
CONFIG: Final = Config({ProblemType.FLOAT, ProblemType.URI})
UNKNOWN_TO_IT: Final = (
    re.compile(r'\.Seconds is "\{% .* %\}" but should be an Integer$'),  # "Wait": Seconds may be JSONata
    re.compile(r'\.MaxConcurrency is "\$\{\w+\}" but should be numeric$'),  # a number once deployed
    re.compile(r'^ *Field "Label" not allowed in '),  # "Distributed Map": prefix of the children's names
    re.compile(r'^ *Field "InputType" not allowed in .*\.ReaderConfig$'),  # "ItemReader", ReaderConfig
)


def findings(definition: Definition) -> list[str]:
    problems: list[str] = Linter.validate(definition, CONFIG)
    return [problem for problem in problems if not any(gap.search(problem) for gap in UNKNOWN_TO_IT)]


def main() -> int:
    found = [
        f"{path.name}: {finding}"
        for path in sorted((ROOT / "statemachine").glob("*.asl.yaml"))
        for finding in findings(load(path))
    ]
    print("\n".join(found) or "statelint finds nothing in the state machines.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
