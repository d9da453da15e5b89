from django.urls import path

from . import views

urlpatterns = [
    path('', views.index, name='index'),
    path('entry/<int:pk>/', views.entry, name='entry'),
]
