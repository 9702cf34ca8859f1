"""Embedded control planes: one HTTPS server per cluster, all of them in one event loop."""

import asyncio
import itertools
import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from local.aws.hooks import Call
from local.kubernetes.certificates import FORMS, Authority
from local.kubernetes.embedded import discovery
from local.kubernetes.embedded.authorization import ANONYMOUS_PATHS, authorize_path
from local.kubernetes.embedded.errors import ApiError, PlainError, unauthorized
from local.kubernetes.embedded.handlers import Handlers
from local.kubernetes.embedded.operations import Write
from local.kubernetes.embedded.request_info import request_info
from local.kubernetes.embedded.resources import NAMESPACES, SERVICE_ACCOUNTS
from local.kubernetes.embedded.store import Store
from local.kubernetes.event_loops import SharedLoop
from local.kubernetes.interfaces import Authenticate, KubernetesUser
from local.wire import FATE, RESET, Answer, Exchange, Wire, kubernetes_status

logger = logging.getLogger(__name__)

ADMIN = KubernetesUser("kubernetes-admin", "kubernetes-admin", ("system:masters", "system:authenticated"), {})
MAX_BODY_BYTES = 3 * 1024 * 1024
STOP_SECONDS = 60.0
"""At most: an event loop that all clusters share may have much else to do."""
_FIRST_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


class Application:
    """One cluster's API."""

    def __init__(self, authenticate: Authenticate, admin_token: str, wire: Wire) -> None:
        self.store = Store()
        self._wire = wire
        self.handlers = Handlers(self.store)
        self._authenticate = authenticate
        self._admin_token = admin_token
        write = Write("kube-apiserver")
        for name in _FIRST_NAMESPACES:
            self.handlers.operations.create(NAMESPACES, "", {"metadata": {"name": name}}, write)
        for name in _FIRST_NAMESPACES:
            self.handlers.operations.create(SERVICE_ACCOUNTS, name, {"metadata": {"name": "default"}}, write)

    def web_application(self) -> web.Application:
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.router.add_route("*", "/{path:.*}", self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            user = await self._user(request)
            if self._wire and user is not ADMIN:
                return await self._over_the_wire(request, user)
            return await self._perform(request, user)
        except PlainError as refused:
            return web.Response(status=refused.code, text=refused.message)
        except ApiError as refused:
            return web.json_response(refused.status(), status=refused.code)
        except Exception:
            logger.exception("request failed", extra={"method": request.method, "path": request.path})
            failed = ApiError(500, "InternalError", "Internal error occurred: see the embedded API's log", {})
            return web.json_response(failed.status(), status=500)

    async def _perform(self, request: web.Request, user: KubernetesUser) -> web.StreamResponse:
        info = request_info(request.method, request.path, request.query)
        if info is not None:
            return await self.handlers.handle(request, info, user)
        authorize_path(user, request.method.lower(), request.path)
        return self._answer_path(request)

    async def _over_the_wire(self, request: web.Request, user: KubernetesUser) -> web.Response:
        """What it answers, after whoever stands in between has had a say, in a thread: that one may wait."""
        loop = asyncio.get_running_loop()

        async def answer() -> Answer:
            try:
                performed = await self._perform(request, user)
            except PlainError as refused:
                return Answer(refused.code, {}, refused.message.encode())
            except ApiError as refused:
                body = json.dumps(refused.status()).encode()
                return Answer(refused.code, {"Content-Type": "application/json"}, body)
            assert isinstance(performed, web.Response)  # noqa: S101 (functions follow nothing)
            body = performed.body if isinstance(performed.body, bytes) else b""
            return Answer(performed.status, {"Content-Type": performed.content_type}, body)

        def perform() -> Answer:
            return asyncio.run_coroutine_threadsafe(answer(), loop).result()

        info = request_info(request.method, request.path, request.query)
        asked = f"{info.verb} {info.target}" if info else f"{request.method.lower()} {request.path}"
        call = Call(f"kubernetes:{asked}", "", "", request.path_qs, (await request.read()).decode(errors="replace"))
        question = f"{asked} {request.url} {call.body}"
        exchange = Exchange(call, user.username, "kubernetes", question, perform, kubernetes_status)
        passed = await asyncio.to_thread(self._wire.pass_on, exchange)
        if passed.headers.get(FATE) == RESET and request.transport is not None:
            request.transport.abort()
        return web.Response(status=passed.status, headers=passed.headers, body=passed.body)

    async def _user(self, request: web.Request) -> KubernetesUser:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not token and request.path.startswith(ANONYMOUS_PATHS):
            return KubernetesUser("system:anonymous", "", ("system:unauthenticated",), {})
        if scheme.lower() != "bearer" or not token:
            raise unauthorized()
        if secrets.compare_digest(token.strip().encode(), self._admin_token.encode()):
            return ADMIN
        # In a thread: authenticating asks the embedded AWS, and watches must not wait for that.
        user = await asyncio.to_thread(self._authenticate, token.strip())
        if user is None:
            raise unauthorized()
        return user

    def _answer_path(self, request: web.Request) -> web.Response:
        match request.path.strip("/").split("/"):
            case ["healthz" | "livez" | "readyz", *_]:
                return web.Response(text="ok")
            case ["version"]:
                return web.json_response(discovery.VERSION)
            case ["api"]:
                return web.json_response(discovery.api_versions(request.host))
            case ["apis"]:
                return web.json_response(discovery.api_group_list())
            case ["api", version]:
                return web.json_response(discovery.api_resource_list("", version))
            case ["apis", group]:
                return web.json_response(discovery.api_group(group))
            case ["apis", group, version]:
                return web.json_response(discovery.api_resource_list(group, version))
            case ["openapi", "v2"]:
                return web.json_response(discovery.openapi_v2())
            case ["openapi", "v3"]:
                return web.json_response(discovery.openapi_v3_index())
            case ["openapi", "v3", "api", version]:
                return web.json_response(discovery.openapi_v3("", version))
            case ["openapi", "v3", "apis", group, version]:
                return web.json_response(discovery.openapi_v3(group, version))
        return web.Response(status=404, text="404 page not found\n")


_LOOP = SharedLoop("embedded-kubernetes")


@dataclass
class EmbeddedControlPlane:
    url: str
    ca_pem: str
    admin_token: str
    application: Application
    _stop: Callable[[], None] = field(repr=False)

    def stop(self) -> None:
        """Ends open watches and frees the port; harmless when called twice."""
        stop, self._stop = self._stop, lambda: None
        stop()


class EmbeddedControlPlanes:
    """Starts embedded APIs; any number in one process. Their authorities take turns in the forms that EKS's have."""

    name = "embedded"

    def __init__(self) -> None:
        self.wire = Wire()
        self._forms = itertools.cycle(FORMS)

    def start(self, cluster_name: str, authenticate: Authenticate, *, port: int | None = None) -> EmbeddedControlPlane:
        """An API that answers once this returns. Raises OSError when the port is taken."""
        authority = Authority.new(form=next(self._forms))
        serving = authority.serving(f"{cluster_name} kube-apiserver")
        admin_token = secrets.token_urlsafe(32)
        application = Application(authenticate, admin_token, self.wire)
        context = serving.server_context()

        async def listen() -> web.AppRunner:
            # An exec or a followed log may still be open: the server stops all the same.
            runner = web.AppRunner(
                application.web_application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1
            )
            await runner.setup()
            try:
                await web.TCPSite(runner, "127.0.0.1", port or 0, ssl_context=context).start()
            except OSError:
                await runner.cleanup()
                raise
            return runner

        async def end(runner: web.AppRunner) -> None:
            await asyncio.wait_for(runner.cleanup(), STOP_SECONDS)

        def stop() -> None:
            try:
                _LOOP.begin(end(runner)).result()
            finally:
                _LOOP.leave()

        _LOOP.enter()
        try:
            runner = _LOOP.begin(listen()).result()
        except OSError:
            _LOOP.leave()
            raise
        url = f"https://127.0.0.1:{runner.addresses[0][1]}"
        return EmbeddedControlPlane(url, authority.certificate_pem, admin_token, application, stop)
