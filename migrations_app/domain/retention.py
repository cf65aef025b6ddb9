"""How long the journal of a run is kept: as long as anybody may want its documents back."""

from __future__ import annotations

from datetime import datetime, timedelta

from migrations_app.domain.states import RunState

# Over, with a journal that finishes nothing any more. A rollback that has failed waits for a person, however long.
OVER = frozenset({RunState.COMPLETED, RunState.ROLLED_BACK, RunState.ABANDONED, RunState.FAILED})


def kept_until(
    ended_at: datetime, cleaned_at: datetime | None, *, keep: timedelta, after_cleanup: timedelta
) -> datetime | None:
    """The end of a journal's retention; None: it is kept until a person drops it.

    Args:
        cleaned_at: when the cleanup, which has its own approval, was completed after the run; None: it was not, or is
            taken back.
        keep: from the end of the run; zero keeps it for ever.
        after_cleanup: how long what came before a cleanup stays beside it.
    """
    ends = [] if not keep else [ended_at + keep]
    ends += [] if cleaned_at is None else [cleaned_at + after_cleanup]
    return min(ends, default=None)
