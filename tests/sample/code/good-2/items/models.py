from django.db import models


class Item(models.Model):
    name = models.CharField(max_length=100)
    colour = models.CharField(max_length=20, blank=True, default="", db_default="")
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name
