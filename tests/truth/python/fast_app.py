"""FastAPI, for uvicorn: an asynchronous end point, or with SYNC=1 one that Starlette runs in its thread pool."""
import contextlib
import os

import fastapi
from fastapi.responses import StreamingResponse

SYNC = os.environ.get("SYNC") == "1"

if SYNC:
    import calls

    app = fastapi.FastAPI()

    @app.get("/work")
    def work(id: str, mode: str, after: fastapi.BackgroundTasks):
        if mode == "stream":
            return StreamingResponse(calls.stream(id))
        calls.work(id, mode)
        after.add_task(calls.late, id, mode)
        return "ok"

else:
    import calls_async

    calls = calls_async.Calls()

    @contextlib.asynccontextmanager
    async def lifespan(_):
        async with calls.opened():
            yield

    app = fastapi.FastAPI(lifespan=lifespan)

    @app.get("/work")
    async def work(id: str, mode: str, after: fastapi.BackgroundTasks):
        if mode == "stream":
            return StreamingResponse(calls.stream(id))
        await calls.work(id, mode)
        after.add_task(calls.late, id, mode)
        return "ok"
