"""What moto does at every call, done once or for less.

moto lacks: a memory of the definitions it has parsed (at every start of an execution: a third of what a run would
cost), of its own list of services (a look at 250 folders at every request) and of what its classes can do; copies that
cost what JSON is worth; libyaml, at a tenth of what YAML costs in Python, and JSON read as JSON. Each of the SDK's
sessions, of which it makes many, reads the descriptions of services anew.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined"

from __future__ import annotations

import gc
import json
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import botocore.session
import yaml
from moto import backends
from moto.cloudformation.models import ChangeSet, Stack
from moto.cloudformation.utils import yaml_tag_constructor
from moto.core import responses
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.eval import states
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from local.json_copy import copied

if TYPE_CHECKING:
    from local.aws.server import AwsServer


def install(server: AwsServer) -> None:
    # What is loaded by now stays: looking through all of it for garbage again and again is a tenth of what a run costs.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    # What it gives is not written to while it is evaluated: the iterations of a Map share theirs, too.
    AmazonStateLanguageParser.parse = staticmethod(lru_cache(AmazonStateLanguageParser.parse))
    Stack.parse_template = staticmethod(_parse_template)
    ChangeSet._parse_template = _parse_own_template
    services = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: services
    responses.method_names_from_class = cache(responses.method_names_from_class)
    result_path.parse = cache(result_path.parse)
    result_path.copy = states.copy = SimpleNamespace(deepcopy=copied)
    if not hasattr(botocore.session.create_loader, "cache_info"):
        botocore.session.create_loader = cache(botocore.session.create_loader)


class _TemplateLoader(yaml.CLoader):
    pass


yaml.add_multi_constructor("", yaml_tag_constructor, Loader=_TemplateLoader)


def _parse_own_template(self: Any) -> None:
    self.template_dict = _parse_template(self.template)


def _parse_template(text: str) -> Any:
    return json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, _TemplateLoader)  # noqa: S506
