"""Thousands of histories would log half a million lines."""

from packtrace.telemetry import configure

configure("simulation", "error")
