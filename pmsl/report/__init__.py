"""Pictures and pages of a job, for people. The package is called itself: ``pmsl.report(job, "report.html")``."""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pmsl.later import homes_in, later

if TYPE_CHECKING:
    from pmsl.report.mask_preview import contact_sheet
    from pmsl.report.page.job_report import write_report

_HOMES = homes_in(
    __name__,
    **{"mask_preview": "contact_sheet", "page.job_report": "write_report"},
)
__getattr__, __dir__ = later(__name__, _HOMES)

__all__ = ["contact_sheet", "write_report"]


class _Callable(ModuleType):
    """A package that is a verb too: `pmsl.report` is what writes reports, and the rooms it is made of."""

    def __call__(self, *words: Any, **how: Any) -> list[str]:
        """Write the page of a job; as `write_report`."""
        from pmsl.report.page.job_report import write_report

        return write_report(*words, **how)


sys.modules[__name__].__class__ = _Callable
