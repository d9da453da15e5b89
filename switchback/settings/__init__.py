"""What a person says.

The settings of an environment and the command line, read and checked before any host is connected to.
"""
