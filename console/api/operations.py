"""Health and metrics for the machines that watch this process; no sign-in, only totals."""

import asyncio

from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from console.ports import AlertReader

PATIENCE = 2.0  # seconds


def routes(alerts: AlertReader, metrics: CollectorRegistry) -> APIRouter:
    """The routes of health and metrics."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/healthz", methods=["GET", "HEAD"])
    async def health() -> Response:
        try:
            alive = await asyncio.wait_for(alerts.alive(), PATIENCE)
        except TimeoutError:
            alive = False
        return JSONResponse({"store": "ok" if alive else "unreachable"}, 200 if alive else 503)

    @router.get("/metrics")
    async def exposition() -> Response:
        return Response(generate_latest(metrics), headers={"content-type": CONTENT_TYPE_LATEST})

    return router
