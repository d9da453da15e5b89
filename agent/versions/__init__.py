"""The versions on a host.

Where they are, what each is made of, what is known of it, and what one takes over from another.
"""
