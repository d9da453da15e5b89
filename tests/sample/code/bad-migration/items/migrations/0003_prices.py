from django.db import migrations


def price(apps, schema_editor):
    Item = apps.get_model("items", "Item")
    cheapest = Item.objects.get(name="The cheapest item")
    Item.objects.filter(price=0).update(price=cheapest.price)


class Migration(migrations.Migration):
    dependencies = [("items", "0002_item_price")]

    operations = [migrations.RunPython(price, migrations.RunPython.noop)]
