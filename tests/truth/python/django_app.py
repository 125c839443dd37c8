"""Django, for gunicorn."""
import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

import calls

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="none", MIDDLEWARE=[])


class Answer(HttpResponse):
    def close(self):
        super().close()
        calls.late(self.name, self.mode)


def work(request):
    name, mode = request.GET["id"], request.GET["mode"]
    if mode == "stream":
        return StreamingHttpResponse(calls.stream(name))
    calls.work(name, mode)
    answer = Answer("ok\n", headers={"Content-Length": "3"})
    answer.name, answer.mode = name, mode
    return answer


urlpatterns = [path("work", work)]
app = get_wsgi_application()
