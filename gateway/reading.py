"""Everything readers get, put together: downloads, search, live events, pages."""

from __future__ import annotations

from aiohttp import web

from gateway import events, metastore, resolver
from gateway.auth.login import LOGIN_PAGE
from gateway.auth.organisations import Organisations
from gateway.downloads import Downloads
from gateway.metastore import MetaStore
from gateway.pages.apitokens import ApiTokensPage
from gateway.pages.consent import ConsentPage
from gateway.pages.dashboard import Dashboard
from gateway.pages.dataset import DatasetPage
from gateway.pages.device import DevicePage
from gateway.pages.login import LoginPage
from gateway.pages.new import NewPage
from gateway.pages.organisation import OrganisationPages
from gateway.pages.report import ReportPage
from gateway.pages.run import RunPage
from gateway.pages.search import SearchPages
from gateway.pages.settings import SettingsPage
from gateway.pages.sharing import SharingForms
from gateway.pages.site import Site
from gateway.pages.trust import TrustPage
from gateway.pages.webhooks import WebhooksPage
from gateway.pages.welcome import WelcomePage
from gateway.parts import Parts
from gateway.pkgstore import PackageStore
from gateway.problems import ERROR_PAGE
from gateway.receipts import Receipts


def add_reading(app: web.Application, parts: Parts) -> None:
    """Adds the readers' routes, which begin with anybody's user name: to be called after all others."""
    public_url = parts.settings.gateway.public_url
    store, search, site = PackageStore(parts.pool), MetaStore(parts.pool), Site(public_url)
    downloads = Downloads(store, parts.blobs, public_url)
    app[ERROR_PAGE] = site.draw_problem
    app[LOGIN_PAGE] = LoginPage(site, parts.providers).draw
    events.follow_while_serving(app, parts)
    app.add_routes(metastore.routes(search))
    app.add_routes(resolver.routes(parts))
    for part in (
        Dashboard(parts, site, store),
        NewPage(site, Organisations(parts.pool), parts.settings.store.public_url),
        OrganisationPages(parts, site, store),
        WelcomePage(parts, site),
        SettingsPage(parts, site),
        ApiTokensPage(parts, site),
        WebhooksPage(parts, site),
        ConsentPage(parts, site),
        DevicePage(parts, site),
        SearchPages(parts, site, search),
        downloads,
        Receipts(parts.pool, downloads, public_url),
        ReportPage(site, store, parts.blobs),
        RunPage(parts, site, store),
        SharingForms(parts, site),
        TrustPage(parts, site),
        DatasetPage(parts, site, store),
        site,
    ):
        app.add_routes(part.routes())
