"""Migrations as data.

How they are named, what is read from their files, and what they may do to a site that is up. Pure.
"""
