"""AWS on this machine: moto's server in this process, with what it lacks for running our application patched in.

    with AwsServer(directory) as server:
        outputs = deploy(server, Path("template.yaml"), "eks-efs-provisioner", {})
        server.client("stepfunctions").start_execution(...)

One server at a time per process: moto keeps its state in module globals. `stop` forgets that state and undoes the
patches, after which another server may be started.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from local.aws import originals
from local.aws.hooks import Hooks
from local.aws.lambda_environment import Interpreter
from local.aws.lambda_runtime import Credentials, Function, LambdaRuntime
from local.aws.permissions.authoriser import Authoriser
from local.aws.rates import Rates
from local.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_REGION = "ap-northeast-1"
DEFAULT_ACCOUNT_ID = "123456789012"
ADMINISTRATOR = Credentials("AKIAEMBEDDEDADMIN000", "embedded-administrator", None)
"""Who `AwsServer.client` is unless told otherwise: somebody with every permission in the default account."""


@dataclass(frozen=True)
class DeliveredEvent:
    """An event that a rule of EventBridge sent to a target."""

    rule_name: str
    target_arn: str
    payload: Any
    execution_arn: str | None


_running = threading.Lock()
_making_client = threading.Lock()
"""Clients are safe to share between threads, a session that makes one is not. Source: boto3 guide, Session."""


@cache
def _session() -> Any:
    """One for the whole process: each session reads the description of every service anew."""
    import boto3

    return boto3.session.Session()


def _new_client(service: str, region: str, identity: Credentials, port: int, config: Any = None) -> Any:
    from botocore.config import Config

    # No retries: an error of the embedded cloud is to be seen, not repeated. No prefix: sync-127.0.0.1 is no host.
    # CreateStack is answered when the stack is made, which takes minutes where others want the processors too.
    defaults = Config(
        inject_host_prefix=False, retries={"total_max_attempts": 1}, max_pool_connections=50, read_timeout=900
    )
    return _session().client(
        service,
        region_name=region,
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=identity.access_key_id,
        aws_secret_access_key=identity.secret_access_key,
        aws_session_token=identity.session_token,
        config=defaults.merge(config) if config else defaults,
    )


class AwsServer:
    """moto's threaded server on 127.0.0.1.

    `scaled` turns seconds that AWS would wait (Wait states, Retry back-off) into seconds waited here, and Wait states
    last while `is_behind`: something here takes longer than it would on AWS; `stack_seconds` is how long a
    CloudFormation stack with resources of these types stays CREATE_IN_PROGRESS. `patches` run after our own, before
    the first request; `lets_through` is LambdaRuntime's.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        region: str = DEFAULT_REGION,
        scaled: Callable[[float], float] = lambda seconds: seconds,
        is_behind: Callable[[], bool] = lambda: False,
        stack_seconds: Callable[[Collection[str]], float] = lambda _types: 0.0,
        patches: Sequence[Callable[[], None]] = (),
        lets_through: Callable[[Function, int], bool] = lambda _function, _port: True,
    ) -> None:
        self.region = region
        self.account_id = DEFAULT_ACCOUNT_ID
        self.scaled = scaled
        self.is_behind = is_behind
        self.stack_seconds = stack_seconds
        self.interpreter = Interpreter()
        self.delivered_events: list[DeliveredEvent] = []
        self.published_events: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.broken: list[str] = []
        self.hooks = Hooks()
        self.rates = Rates(lambda: self.scaled(1000.0) / 1000.0)
        self.wire = Wire()
        self.authoriser = Authoriser()
        self.port = 0
        self._patches, self._lets_through = patches, lets_through
        self._temporary = None if directory else TemporaryDirectory(prefix="embedded-aws-")
        self.directory = directory or Path(self._temporary.name)  # type: ignore[union-attr]
        self._runtime: LambdaRuntime | None = None
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self._snapshot: originals.Snapshot = []
        self._environment: dict[str, str | None] = {}
        self._clients: dict[tuple[str, str, Credentials, int], Any] = {}

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        return self._runtime is not None

    @property
    def lambda_runtime(self) -> LambdaRuntime:
        if self._runtime is None:
            raise RuntimeError("the embedded AWS is not running")
        return self._runtime

    def start(self, port: int = 0) -> None:
        """Patch moto, listen on the port (0: a free one), answer requests from now on."""
        from local.aws.http_server import HttpServer

        if not _running.acquire(blocking=False):
            raise RuntimeError("there can be only one embedded AWS in a process")
        for name, level in (("werkzeug", logging.ERROR), ("moto.stepfunctions", logging.CRITICAL)):
            logging.getLogger(name).setLevel(level)  # the interpreter logs whole syntax trees
        self._server = HttpServer(port)
        self.port = self._server.server_port
        # Without the 1300 images that Amazon offers: nobody here starts an instance.
        self._set_environment({"MOTO_PORT": str(self.port), "MOTO_EC2_LOAD_DEFAULT_AMIS": "false"})

        from local.aws.patches import install_all

        self._snapshot = originals.remember()
        install_all(self)
        for patch in self._patches:
            patch()
        self._start_lambda()
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True, name="embedded-aws")
        self._thread.start()

    def stop(self) -> None:
        """Stop executions and functions, forget every resource, undo the patches."""
        if self._thread is None:
            return
        from moto.backends import list_of_moto_modules  # noqa: F401 (loads what reset walks over)
        from moto.moto_api._internal.models import moto_api_backend

        from local.aws.patches.stepfunctions import abort_executions

        # Requests still under way fail from here on, which is nobody's concern.
        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        abort_executions()
        self.lambda_runtime.stop()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._thread = self._runtime = None
        moto_api_backend.reset()
        originals.restore(self._snapshot)
        self._set_environment(dict(self._environment))
        _running.release()
        if self._temporary:
            self._temporary.cleanup()
        if self.broken:
            from local.aws.patches.models import ModelBrokenError

            raise ModelBrokenError("\n".join(dict.fromkeys(self.broken)))

    def __enter__(self) -> AwsServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def client(
        self, service: str, *, region: str | None = None, credentials: Credentials | None = None, config: Any = None
    ) -> Any:
        """A boto3 client of the embedded AWS; the administrator's unless credentials are given.

        Who asks for the same again gets the same: what a client can do is made from the service's model, one function
        for each of EC2's 700 operations.
        """
        asked = (service, region or self.region, credentials or ADMINISTRATOR, self.port)
        with _making_client:
            if config is not None:
                return _new_client(*asked, config)
            if asked not in self._clients:
                self._clients[asked] = _new_client(*asked)
            return self._clients[asked]

    def assume_role(self, role_arn: str, session_name: str) -> Credentials:
        """Temporary credentials as a service of AWS gets them for a role it runs under."""
        from moto.sts.models import sts_backends

        partition, account_id = role_arn.split(":")[1], role_arn.split(":")[4]
        role = sts_backends[account_id][partition].assume_role(
            region_name=self.region,
            role_session_name=session_name[:64],
            role_arn=role_arn,
            policy="",
            duration=43200,
            external_id="",
        )
        return Credentials(role.access_key_id, role.secret_access_key, role.session_token)

    @contextmanager
    def instantly(self) -> Iterator[None]:
        """Stacks made in this block are complete at once: deploying the application is not what is being watched."""
        seconds, self.stack_seconds = self.stack_seconds, lambda _types: 0.0
        try:
            yield
        finally:
            self.stack_seconds = seconds

    def _start_lambda(self) -> None:
        from local.aws.patches.lambda_ import write_log

        self._runtime = LambdaRuntime(
            self.directory / "lambda",
            self.endpoint,
            credentials_of=self.assume_role,
            write_log=partial(write_log, self),
            interpreter=self.interpreter,
            time_factor=self.scaled(10.0) / 10.0,
            lets_through=self._lets_through,
        )

    def _set_environment(self, values: dict[str, str | None] | dict[str, str]) -> None:
        for name, value in values.items():
            self._environment.setdefault(name, os.environ.get(name))
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
