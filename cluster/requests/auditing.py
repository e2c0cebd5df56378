"""The audit: kept for the shell host, shown to administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.rpc import messages as m

if TYPE_CHECKING:
    from cluster.audit_log import AuditLog
    from cluster.requests.desk import Answers
    from cluster.rpc.messages import Actor, Ask


class Auditing:
    """Keeps and shows what administrators did.

    Args:
        audit: where it is kept.
    """

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit
        self.answers: Answers = {
            m.NoteCommands: self._note,
            m.GetAudit: self._get,
            m.GetLastLogin: self._last_login,
        }
        self.changes: tuple[type[Ask], ...] = ()

    async def _note(self, ask: m.NoteCommands, _actor: Actor) -> m.Done:
        self._audit.note(ask.commands)
        return m.Done()

    async def _get(self, ask: m.GetAudit, _actor: Actor) -> m.Audit:
        return m.Audit(self._audit.last(ask.limit, ask.user, failed=ask.failed))

    async def _last_login(self, ask: m.GetLastLogin, _actor: Actor) -> m.Audit:
        return m.Audit(self._audit.last_login(ask.user))
