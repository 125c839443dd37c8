// Undertow: its I/O threads read a request, its workers answer it.
package truth;

import io.undertow.Undertow;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.handlers.BlockingHandler;

public final class OnUndertow {
    private final Calls calls = new Calls();

    private OnUndertow() throws Exception { }

    private void handle(HttpServerExchange exchange) throws Exception {
        String id = exchange.getQueryParameters().get("id").getFirst();
        String mode = exchange.getQueryParameters().get("mode").getFirst();
        if (mode.equals("stream")) {
            calls.stream(id, (text, isLast) -> {
                exchange.getOutputStream().write(text.getBytes());
                exchange.getOutputStream().flush();
            });
            exchange.endExchange();
            return;
        }
        calls.work(id, mode);
        exchange.getResponseSender().send("ok\n");
        exchange.endExchange();
        calls.late(id, mode);
    }

    public static void main(String[] arguments) throws Exception {
        BlockingHandler handler = new BlockingHandler(new OnUndertow()::handle);
        Undertow.builder().addHttpListener(Calls.port("PORT"), "127.0.0.1").setHandler(handler).build().start();
    }
}
