"""REST: the runtime configuration."""

from __future__ import annotations

from fastapi import APIRouter

from dragoman_orchestration.api import config_changes, config_reading

router = APIRouter()
router.include_router(config_reading.router)
router.include_router(config_changes.router)
