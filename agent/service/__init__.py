"""What runs the app.

Systemd's unit, supervisord and its programs; whether they are well, and whether they could start at all.
"""
