"""A web meeting of the tests' own, with people who speak recordings; see ``running_meeting``."""

from tests.meeting.meeting import Meeting, running_meeting
from tests.meeting.people import chromium_or_skip

__all__ = ["Meeting", "chromium_or_skip", "running_meeting"]
