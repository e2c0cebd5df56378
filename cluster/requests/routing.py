"""Static routes, as the kernel has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.rpc import messages as m

if TYPE_CHECKING:
    from cluster.config.store import Store
    from cluster.net.routes import Routes
    from cluster.requests.desk import Answers
    from cluster.rpc.messages import Actor, Ask


class RoutesDesk:
    """Answers `route get`.

    Args:
        store: the configurations.
        routes: of this network namespace.
    """

    def __init__(self, store: Store, routes: Routes) -> None:
        self._store, self._routes = store, routes
        self.answers: Answers = {m.GetRoutes: self._online}
        self.changes: tuple[type[Ask], ...] = ()

    async def _online(self, _ask: m.GetRoutes, _actor: Actor) -> m.Routes:
        return m.Routes(await self._routes.online(self._store.running.config))
