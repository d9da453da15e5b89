"""Lock files of uv, Poetry and Pipenv, as what exactly one Python installs. Pure."""
