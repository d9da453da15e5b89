import humanize
from django.db import models
from django.utils import timezone


class Item(models.Model):
    name = models.CharField(max_length=100)
    colour = models.CharField(max_length=20, blank=True, default="", db_default="")
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name

    @property
    def age(self) -> str:
        return humanize.naturaltime(timezone.now() - self.created)
