"""Pictures of a job."""

from pmsl.report.preview import contact_sheet

__all__ = ["contact_sheet"]
