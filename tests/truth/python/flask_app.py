"""Flask: `python flask_app.py` serves with Werkzeug's threads, gunicorn with any of its workers (`flask_app:app`)."""
import os

import flask

import calls

app = flask.Flask(__name__)


@app.get("/work")
def work():
    name, mode = flask.request.args["id"], flask.request.args["mode"]
    if mode == "stream":
        return flask.Response(calls.stream(name))
    calls.work(name, mode)
    answer = flask.Response("ok\n", headers={"Content-Length": "3"})
    answer.call_on_close(lambda: calls.late(name, mode))
    return answer


if __name__ == "__main__":
    import werkzeug.serving

    class Handler(werkzeug.serving.WSGIRequestHandler):
        protocol_version = "HTTP/1.1"  # keep-alive

        def log_request(self, *_):
            pass

    app.run("127.0.0.1", int(os.environ["PORT"]), threaded=True, request_handler=Handler)
