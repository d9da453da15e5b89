from django.forms import modelform_factory
from django.shortcuts import get_object_or_404, redirect, render

from .models import Entry

EntryForm = modelform_factory(Entry, fields=['name', 'place', 'text', 'picture'])


def index(request):
    form = EntryForm(request.POST or None, request.FILES or None)
    if request.method == 'POST' and form.is_valid():
        form.save()
        return redirect('index')
    return render(request, 'guestbook/index.html', {'form': form, 'entries': Entry.objects.all()})


def entry(request, pk):
    return render(request, 'guestbook/entry.html', {'entry': get_object_or_404(Entry, pk=pk)})
