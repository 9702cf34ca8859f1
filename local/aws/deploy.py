"""Deploys a SAM template into the embedded AWS, as `sam build && sam deploy` would into the real one.

Local paths in the template are packed and uploaded (what `sam package` does), aws-sam-translator makes a CloudFormation
template of it, CloudFormation creates the stack. A layer's folder with a `python` folder has been built and is packed
whole; another one is packed under `python/`, as the build does, and one with nothing but requirements thus gives an
almost empty layer: see lambda_runtime.py for where the packages then come from.
"""

from __future__ import annotations

import copy
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping, Set
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.aws.partitions import dns_suffix
from tools.templates import load_template

if TYPE_CHECKING:
    from local.aws.server import AwsServer

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
LARGEST_INLINE_TEMPLATE_BYTES = 51_200
CACHES = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"})
FIXED_TIME = (1980, 1, 1, 0, 0, 0)


class DeployError(Exception):
    """The stack was rolled back; the message names the first resource that failed and why."""


def deploy(
    server: AwsServer,
    template: Path,
    stack_name: str,
    parameters: Mapping[str, str] | None = None,
    *,
    region: str | None = None,
) -> dict[str, str]:
    """Create or update the stack, in the server's own region unless another one is given; its outputs.

    Idempotency key: the stack name. Raises: DeployError; botocore's ClientError when CloudFormation refuses the
    template outright (an unknown resource type, a missing parameter).
    """
    region = region or server.region
    packager = Packager(server, region, artifact_bucket(server, stack_name, region))
    body = packager.packaged(template, dict(parameters or {}))
    client = server.client("cloudformation", region=region)
    request = {
        "StackName": stack_name,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": str(value)} for key, value in (parameters or {}).items()
        ],
        "Capabilities": CAPABILITIES,
        **packager.template_argument(body),
    }
    with server.instantly():
        if stack_name in {stack["StackName"] for stack in client.describe_stacks()["Stacks"]}:
            try:
                client.update_stack(**request)
            except client.exceptions.ClientError as error:
                if "No updates are to be performed" not in str(error):
                    raise
        else:
            client.create_stack(**request)
    stack = client.describe_stacks(StackName=stack_name)["Stacks"][0]
    if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeployError(f"{stack_name} is {stack['StackStatus']}: {_first_failure(client, stack_name)}")
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def artifact_bucket(server: AwsServer, stack_name: str, region: str) -> str:
    """Names of buckets are of the whole partition."""
    elsewhere = "" if region == server.region else f"-{region}"
    return f"{stack_name}-artifacts-{server.account_id}{elsewhere}"


def _first_failure(client: Any, stack_name: str) -> str:
    events = client.describe_stack_events(StackName=stack_name)["StackEvents"]
    failures = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    if not failures:
        return "no resource reported a failure"
    first = min(failures, key=lambda event: event["Timestamp"])
    return f"{first['LogicalResourceId']} ({first['ResourceType']}): {first.get('ResourceStatusReason', '')}"


class Packager:
    """Uploads what a template points at and returns the template pointing there."""

    def __init__(self, server: AwsServer, region: str, bucket: str) -> None:
        self._region = region
        self._bucket = bucket
        self._s3 = server.client("s3", region=region)
        if bucket not in {existing["Name"] for existing in self._s3.list_buckets()["Buckets"]}:
            # us-east-1 is no location constraint (S3 API, CreateBucket).
            elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": region}}
            self._s3.create_bucket(Bucket=bucket, **({} if region == "us-east-1" else elsewhere))

    def packaged(self, path: Path, parameters: dict[str, str]) -> str:
        """The template as CloudFormation takes it: packaged, and translated if it is a SAM template."""
        template = load_template(path)
        base = path.resolve().parent
        for resource in template["Resources"].values():
            properties = resource.setdefault("Properties", {})
            match resource["Type"]:
                case "AWS::Serverless::Function":
                    self._replace(properties, "CodeUri", base)
                case "AWS::Serverless::LayerVersion":
                    self._replace(properties, "ContentUri", base)
                case "AWS::Serverless::StateMachine":
                    self._replace(properties, "DefinitionUri", base)
                case "AWS::Serverless::Application":
                    self._replace_template(properties, "Location", base)
                case "AWS::CloudFormation::Stack" | "AWS::CloudFormation::StackSet":
                    self._replace_template(properties, "TemplateURL", base)
        function_defaults = template.get("Globals", {}).get("Function", {})
        self._replace(function_defaults, "CodeUri", base)
        if "Transform" in template:
            template = translated(template, parameters, self._region)
        return json.dumps(template, default=str)

    def template_argument(self, body: str) -> dict[str, str]:
        if len(body.encode()) <= LARGEST_INLINE_TEMPLATE_BYTES:
            return {"TemplateBody": body}
        return {"TemplateURL": self._template_url(body)}

    def _replace(self, properties: dict[str, Any], name: str, base: Path) -> None:
        value = properties.get(name)
        if isinstance(value, str) and "://" not in value:
            source = base / value
            properties[name] = f"s3://{self._bucket}/{self._put(_packed(source, name))}"

    def _replace_template(self, properties: dict[str, Any], name: str, base: Path) -> None:
        value = properties.get(name)
        if isinstance(value, str) and "://" not in value:
            properties[name] = self._template_url(self.packaged(base / value, {}))

    def _template_url(self, body: str) -> str:
        host = f"{self._bucket}.s3.{self._region}.{dns_suffix(self._region)}"
        return f"https://{host}/{self._put(body.encode())}"

    def _put(self, content: bytes) -> str:
        key = hashlib.sha256(content).hexdigest()[:32]
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=content)
        return key


def _packed(source: Path, name: str) -> bytes:
    if not source.is_dir():
        return source.read_bytes()
    if name != "ContentUri":
        return zipped(source, without=CACHES)
    return zipped(source) if (source / "python").is_dir() else zipped(source, prefix="python/", without=CACHES)


def zipped(folder: Path, *, prefix: str = "", without: Set[str] = frozenset()) -> bytes:
    """The folder as a zip file; the same folder always gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not without & set(path.relative_to(folder).parts):
                entry = zipfile.ZipInfo(prefix + path.relative_to(folder).as_posix(), FIXED_TIME)
                entry.external_attr = (0o755 if os.access(path, os.X_OK) else 0o644) << 16
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def translated(template: dict[str, Any], parameters: dict[str, str], region: str) -> dict[str, Any]:
    """CloudFormation's own SAM transform, run here."""
    import boto3
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    defaults = {
        name: parameter["Default"]
        for name, parameter in template.get("Parameters", {}).items()
        if "Default" in parameter
    }
    session = boto3.session.Session(region_name=region)
    translator = Translator({}, Parser(), boto_session=session)
    translated: dict[str, Any] = translator.translate(copy.deepcopy(template), {**defaults, **parameters})
    translator.metrics.publish()  # to nobody; unpublished ones are complained about when the interpreter ends
    translated.pop("Transform", None)
    return translated
