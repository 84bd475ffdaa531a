"""Pictures of a job."""

from pmsl.report.contact_sheet import contact_sheet

__all__ = ["contact_sheet"]
