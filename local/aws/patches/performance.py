"""What moto does at every call, done once or for less.

moto lacks: a memory of the definitions it has parsed (at every start of an execution: a third of what a run would
cost); copies that cost what JSON is worth; libyaml, at a tenth of what YAML costs in Python, and JSON read as JSON; and
what patches/remembered.py remembers.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined"

from __future__ import annotations

import gc
import json
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import yaml
from moto.cloudformation.models import ChangeSet, Stack
from moto.cloudformation.utils import yaml_tag_constructor
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.eval import states
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from local.aws.patches import remembered
from local.json_copy import copied

if TYPE_CHECKING:
    from local.aws.server import AwsServer


def install(server: AwsServer) -> None:
    # What is loaded by now stays: looking through all of it for garbage again and again is a tenth of what a run costs.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    remembered.install()
    # What it gives is not written to while it is evaluated: the iterations of a Map share theirs, too.
    AmazonStateLanguageParser.parse = staticmethod(lru_cache(AmazonStateLanguageParser.parse))
    Stack.parse_template = staticmethod(_parse_template)
    ChangeSet._parse_template = _parse_own_template
    result_path.parse = cache(result_path.parse)
    result_path.copy = states.copy = SimpleNamespace(deepcopy=copied)


class _TemplateLoader(yaml.CLoader):
    pass


yaml.add_multi_constructor("", yaml_tag_constructor, Loader=_TemplateLoader)


def _parse_own_template(self: Any) -> None:
    self.template_dict = _parse_template(self.template)


def _parse_template(text: str) -> Any:
    return json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, _TemplateLoader)  # noqa: S506
