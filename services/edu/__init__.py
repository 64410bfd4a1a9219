"""Courses, lessons and who is enrolled."""
