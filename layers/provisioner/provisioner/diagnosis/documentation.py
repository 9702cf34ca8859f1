"""docs/diagnosis.md, from the rules: `python -m provisioner.diagnosis.documentation > docs/diagnosis.md`."""

import inspect
from typing import Final

from provisioner.diagnosis.model import Rule, Symptom
from provisioner.diagnosis.rules import RULES
from provisioner.diagnosis.rules.states import ANY

_HEAD: Final = """\
# Diagnosis: what a failed run says about its cause

Generated from the rules by `python -m provisioner.diagnosis.documentation`; a test keeps it current.

After every failure each rule of the failed state is probed against the live state of AWS and Kubernetes, which is only
read. A cause is **proved** by what the probe saw, **refuted** by it, or **possible** where the probe could not tell.
Proved causes come first; one that no message named is told too, since one fault may hide another. A message that no
rule knows is reported verbatim as `unknown`.
"""


def markdown() -> str:
    return "\n".join([_HEAD, *(_section(rule) for rule in RULES)])


def _section(rule: Rule) -> str:
    states = "any state" if rule.states == ANY else ", ".join(sorted(rule.states))
    symptoms = "\n".join(f"  - {_symptom(symptom)}" for symptom in rule.symptoms)
    return f"""\
## {rule.id}
{rule.cause}

- After the failure of: {states}
- Symptoms:
{symptoms}
- Probe: {_summary(rule)}
- Fix: {rule.fix_with({})}
"""


def _symptom(symptom: Symptom) -> str:
    said = " or ".join(f"`{reason}`" for reason in sorted(symptom.reasons))
    by = f", said by {symptom.component}" if symptom.component else ""
    return said + by + (f", with a text that matches <code>{_escaped(symptom.text)}</code>" if symptom.text else "")


def _escaped(pattern: str) -> str:
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "&#124;"), ("*", "&#42;")):
        pattern = pattern.replace(character, entity)
    return pattern


def _summary(rule: Rule) -> str:
    described = inspect.getdoc(rule.probe) or ""
    return described.partition("\n\n")[0].replace("\n", " ")


if __name__ == "__main__":
    print(markdown(), end="")
