"""Which CI jobs a dataset trusts: listed, added with a form, removed with a button."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from gateway.auth.accounts import Account
from gateway.auth.ci import trust
from gateway.auth.ci.requests import managed, read_wish
from gateway.auth.ci.trust import TrustRefused
from gateway.auth.identity import identify
from gateway.auth.rights import Actor
from gateway.bodies import read_form
from gateway.pages.forms import sender
from gateway.pages.site import Site
from gateway.parts import Parts
from gateway.problems import Problem, not_found

BLANK = {"provider": "github", "repository": "", "workflow": "", "ref": "", "environment": ""}


class TrustPage:
    """Handlers of `/{owner}/{dataset}/trust`."""

    def __init__(self, parts: Parts, site: Site) -> None:
        self._parts = parts
        self._site = site

    def routes(self) -> list[web.RouteDef]:
        address = "/{owner}/{dataset}/trust"
        return [
            web.get(address, self.show),
            web.post(address, self.add),
            web.post(f"{address}/remove", self.remove),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """What a dataset that you manage trusts, and the form for more; it need not exist yet."""
        actor = await identify(request)
        if actor.person is None:
            raise not_found("There is no such dataset of yours.")
        owner, dataset = await managed(self._parts.accounts, actor, request.match_info)
        return await self._page(request, actor, owner, dataset)

    async def add(self, request: web.Request) -> web.Response:
        """The form that has the dataset trust jobs; the form again where something is wrong."""
        origin = await sender(request, self._site.public_url)
        owner, dataset = await managed(self._parts.accounts, origin.actor, request.match_info)
        form = {**BLANK, **await read_form(request)}
        try:
            wanted = read_wish(self._parts.ci, owner.id, dataset, {name: form[name] for name in BLANK})
            await trust.add(self._parts.pool, origin, wanted)
        except Problem as problem:
            said = [fault.detail for fault in problem.faults] or [problem.detail]
            return await self._page(request, origin.actor, owner, dataset, form=form, wrong=said, status=422)
        except TrustRefused as refused:
            said = [f"{str(refused)[:1].upper()}{str(refused)[1:]}."]
            return await self._page(request, origin.actor, owner, dataset, form=form, wrong=said, status=409)
        return _back(owner, dataset)

    async def remove(self, request: web.Request) -> web.Response:
        """The button that ends trust at once; back to the list."""
        origin = await sender(request, self._site.public_url)
        owner, dataset = await managed(self._parts.accounts, origin.actor, request.match_info)
        form, target = await read_form(request), f"{owner.username}/{dataset}"
        if not await trust.remove(self._parts.pool, origin, owner.id, target, form.get("trust", "")):
            raise not_found("The dataset has no such trust.")
        return _back(owner, dataset)

    async def _page(
        self,
        request: web.Request,
        actor: Actor,
        owner: Account,
        dataset: str,
        *,
        form: Mapping[str, str] = BLANK,
        wrong: list[str] | None = None,
        status: int = 200,
    ) -> web.Response:
        return await self._site.page(
            request,
            "trust.html",
            account=actor.account,
            status=status,
            owner=owner.username,
            dataset=dataset,
            trusted=await trust.of_dataset(self._parts.pool, owner.id, dataset),
            providers=sorted({each.provider for each in self._parts.ci}),
            form=form,
            wrong=wrong or [],
        )


def _back(owner: Account, dataset: str) -> web.Response:
    return web.Response(status=303, headers={"Location": f"/{owner.username}/{dataset}/trust#trusted"})
