from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("items", "0001_initial")]

    operations = [
        migrations.AddField("item", "colour", models.CharField(max_length=20, blank=True, default="", db_default="")),
    ]
