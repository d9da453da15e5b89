"""Texts that others have written.

Told apart by line, bounded, without secrets, and cut down to what tells a person something. Pure.
"""
