from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from items.models import Item


def index(request: HttpRequest) -> HttpResponse:
    return render(request, "items/index.html", {"items": Item.objects.order_by("-id")[:10], "count": Item.objects.count()})


@csrf_exempt
def items(request: HttpRequest) -> JsonResponse:
    return add(request) if request.method == "POST" else JsonResponse({"count": Item.objects.count()})


@csrf_exempt
def add(request: HttpRequest) -> JsonResponse:
    item = Item.objects.create(name=f"Item {Item.objects.count() + 1}")
    return JsonResponse({"id": item.pk, "count": Item.objects.count()})
