from django.db import migrations, models


def price(apps, schema_editor):
    Item = apps.get_model("items", "Item")
    cheapest = Item.objects.get(name="The cheapest item")
    Item.objects.filter(price=0).update(price=cheapest.price)


class Migration(migrations.Migration):
    # What is done before the failure stays done.
    atomic = False

    dependencies = [("items", "0001_initial")]

    operations = [
        migrations.AddField("item", "price", models.IntegerField(default=0, db_default=0)),
        migrations.RunPython(price, migrations.RunPython.noop),
    ]
