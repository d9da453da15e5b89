from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("items", "0001_initial")]

    operations = [
        migrations.RemoveField(model_name="item", name="created"),
    ]
