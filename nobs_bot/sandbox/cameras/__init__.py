"""Cameras made of nothing but Python: real RTSP, real H.264, invented streets."""

from nobs_bot.sandbox.cameras.server import CameraInfo, DemoCameras

__all__ = ["CameraInfo", "DemoCameras"]
