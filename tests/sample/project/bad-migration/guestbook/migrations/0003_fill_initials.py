from django.db import migrations


def fill(apps, schema_editor):
    for entry in apps.get_model('guestbook', 'Entry').objects.all():
        first, last = entry.name.split()
        entry.initials = first[0] + last[0]
        entry.save()


class Migration(migrations.Migration):

    dependencies = [
        ('guestbook', '0002_entry_initials'),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
