"""Asking a version's own Django, and having it migrate."""
