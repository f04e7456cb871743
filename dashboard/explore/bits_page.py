"""Bits: where this page was until it became part of Codes; its links keep working."""

from dashboard.explore import codes_views

codes_views.follow_old_link()
