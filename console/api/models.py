"""The API of the life of models: registered, tried in the shadow, proposed, promoted, rolled back."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Body, Depends, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from alerts.views import User
from console.api.rules import Reason, Text, answer, person_of
from console.errors import NotFoundError
from console.ports import Models
from console.sessions import Sessions
from models.lifecycle import ModelAction
from models.views import ModelRow, summary

ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

Id = Annotated[str, Path(pattern=ID)]
Move = Literal[ModelAction.SHADOW, ModelAction.PROPOSE, ModelAction.PROMOTE, ModelAction.RETIRE]


class Registration(BaseModel):
    """A model that lies in the registry and shall be a candidate."""

    id: Annotated[str, Field(pattern=ID)]
    reason: Text = ""


def routes(models: Models, sessions: Sessions) -> APIRouter:
    """The routes under /api/models; times are RFC 3339 in UTC."""
    router = APIRouter(prefix="/api/models", tags=["models"])
    signed_in = Annotated[User, Depends(sessions.user)]

    @router.get("", summary="Every model with its state, and the champions one after the other")
    def listed(_: signed_in) -> Response:
        champions, lacking = models.champions(), models.lacking()
        rows = [_summed(row, lacking) for row in models.models()]
        return answer({"champions": champions, "models": rows})

    @router.post("", summary="Register a model that lies in the registry, as a candidate")
    def register(user: signed_in, wanted: Registration) -> Response:
        registered = models.register(wanted.id, person_of(user), wanted.reason)
        return answer(registered, 201 if registered.fresh else 200)

    @router.get("/history", summary="Changes of models, the newest first")
    def history(_: signed_in) -> Response:
        return answer({"changes": models.history()})

    @router.post("/rollback", summary="Take the last change of the champion back")
    def rollback(
        user: signed_in,
        why: Annotated[Reason, Body()] = Reason(),  # noqa: B008 -- an immutable default
    ) -> Response:
        return answer(models.rollback(person_of(user), why.reason))

    @router.get("/{model}", summary="One model with its manifest and its history")
    def one(_: signed_in, model: Id) -> Response:
        found = next((row for row in models.models() if row.id == model), None)
        if found is None:
            raise NotFoundError(f"model `{model}`: not registered")
        return answer({**msgspec.structs.asdict(found), "changes": models.history(model)})

    @router.post("/{model}/{action}", summary="Take a model to another state, or propose it")
    def move(
        user: signed_in,
        model: Id,
        action: Move,
        why: Annotated[Reason, Body()] = Reason(),  # noqa: B008 -- as above
    ) -> Response:
        return answer(models.move(action, model, person_of(user), why.reason))

    _watch_routes(router, models, sessions)
    return router


def _watch_routes(router: APIRouter, models: Models, sessions: Sessions) -> None:
    signed_in = Annotated[User, Depends(sessions.user)]

    @router.get("/{model}/watch", summary="Drift of features and score on the newest days")
    def watched(_: signed_in, model: Id) -> Response:
        found = models.watched(model)
        if found is None:
            raise NotFoundError(f"model `{model}`: not in the registry")
        return answer(found)

    @router.get("/{model}/comparison", summary="What a model in the shadow said beside each champion")
    def comparison(_: signed_in, model: Id) -> Response:
        return answer({"comparisons": models.comparisons(model)})


def _summed(row: ModelRow, lacking: dict[str, list[str]]) -> dict[str, Any]:
    """A row with the summary of its manifest instead of all of it, and what the packs in force lack."""
    values = msgspec.structs.asdict(row)
    del values["manifest"]
    return values | {"summary": summary(row.manifest), "lacking": lacking.get(row.id, [])}
