"""Pictures of a job."""

from pmsl.report.mask_preview import contact_sheet

__all__ = ["contact_sheet"]
