"""gRPC through grpcio, without generated code: grpc_shop.py PORT serve|ask"""
import sys
import time
from concurrent import futures

import grpc

port, role = sys.argv[1:3]


def get(request, context):
    # Answers overtake each other.
    time.sleep((3 - int(request) % 4) * 0.004)
    return b"order " + request


def missing(request, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "there is no such order")


def broken(request, context):
    context.abort(grpc.StatusCode.INTERNAL, "out of paper")


def several(request, context):
    for number in range(5):
        yield b"order %d" % number


class Orders(grpc.GenericRpcHandler):
    def service(self, call):
        name = call.method.rsplit("/", 1)[1]
        if name == "List":
            return grpc.unary_stream_rpc_method_handler(several)
        return grpc.unary_unary_rpc_method_handler({"Get": get, "Missing": missing, "Broken": broken}[name])


if role == "serve":
    server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[Orders()])
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()

channel = grpc.insecure_channel(f"127.0.0.1:{port}")
with futures.ThreadPoolExecutor(4) as pool:
    for number, answer in enumerate(pool.map(channel.unary_unary("/shop.Orders/Get"), [b"%d" % n for n in range(20)])):
        assert answer == b"order %d" % number
assert len(list(channel.unary_stream("/shop.Orders/List")(b""))) == 5
for name in ("Missing", "Broken"):
    try:
        channel.unary_unary(f"/shop.Orders/{name}")(b"1", timeout=5)
    except grpc.RpcError as error:
        print(error.code())
channel.close()
