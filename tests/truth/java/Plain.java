// The JDK's own HTTP server, with a pool of threads, or -Dvirtual=true with a virtual thread a request.
package truth;

import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

public final class Plain {
    private final Calls calls = new Calls();

    private Plain() throws Exception { }

    private void handle(HttpExchange exchange) {
        Map<String, String> query = new HashMap<>();
        for (String pair : exchange.getRequestURI().getQuery().split("&")) {
            query.put(pair.split("=")[0], pair.split("=")[1]);
        }
        try {
            if (query.get("mode").equals("stream")) {
                exchange.sendResponseHeaders(200, 0);
                OutputStream body = exchange.getResponseBody();
                calls.stream(query.get("id"), (text, isLast) -> {
                    body.write(text.getBytes());
                    body.flush();
                });
                exchange.close();
                return;
            }
            calls.work(query.get("id"), query.get("mode"));
            exchange.sendResponseHeaders(200, 3);
            exchange.getResponseBody().write("ok\n".getBytes());
            exchange.close();
            calls.late(query.get("id"), query.get("mode"));
        } catch (Exception problem) {
            System.out.println(problem);
            exchange.close();
        }
    }

    public static void main(String[] arguments) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Calls.port("PORT")), 512);
        server.createContext("/work", new Plain()::handle);
        server.setExecutor(Calls.executor(32));
        server.start();
    }
}
