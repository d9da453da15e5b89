"""What gunicorn serves: the code of the version that this file belongs to."""

import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.realpath(os.path.join(HERE, "django"))]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_wsgi_application()

from warmup import warm_up  # noqa: E402

warm_up()
