"""A web meeting of the tests' own, with people who speak recordings; see ``running_meeting``."""

from tests.meeting.meeting import Meeting, running_meeting
from tests.meeting.people import BROWSER_FLAGS, chromium_or_skip

__all__ = ["BROWSER_FLAGS", "Meeting", "chromium_or_skip", "running_meeting"]
