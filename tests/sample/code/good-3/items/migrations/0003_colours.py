from django.db import migrations

COLOURS = ["red", "green", "blue"]


def paint(apps, schema_editor):
    Item = apps.get_model("items", "Item")
    for item in Item.objects.filter(colour=""):
        item.colour = COLOURS[item.pk % len(COLOURS)]
        item.save(update_fields=["colour"])


def strip(apps, schema_editor):
    apps.get_model("items", "Item").objects.update(colour="")


class Migration(migrations.Migration):
    dependencies = [("items", "0002_item_colour")]

    operations = [migrations.RunPython(paint, strip)]
