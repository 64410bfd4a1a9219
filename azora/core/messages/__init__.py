"""Texts for people: notifications, pages, annotations."""
