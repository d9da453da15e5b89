from django.contrib import admin
from django.urls import path

from items import views
from revision import version

urlpatterns = [
    path("", views.index),
    path("items", views.items),
    path("items/add", views.add),
    path("version", version),
    path("admin/", admin.site.urls),
]
