from django.db import migrations


def shout(apps, schema_editor):
    Item = apps.get_model("items", "Item")
    for item in Item.objects.all():
        item.name = item.name.upper()
        item.save(update_fields=["name"])


class Migration(migrations.Migration):
    dependencies = [("items", "0001_initial")]

    operations = [migrations.RunPython(shout)]
