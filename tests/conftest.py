"""What all tests share. Laws have no deadline: machines are noisy, and a slow example is not a wrong one."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("plantlake", deadline=None)
settings.load_profile("plantlake")
