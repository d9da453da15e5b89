from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("items", "0001_initial")]

    operations = [migrations.AddField("item", "price", models.IntegerField(default=0, db_default=0))]
