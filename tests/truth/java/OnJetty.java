// Jetty without servlets.
package truth;

import java.nio.ByteBuffer;

import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.Fields;

public final class OnJetty extends Handler.Abstract {
    private final Calls calls = new Calls();

    private OnJetty() throws Exception { }

    @Override
    public boolean handle(Request request, Response response, Callback callback) throws Exception {
        Fields query = Request.extractQueryParameters(request);
        if (query.getValue("mode").equals("stream")) {
            calls.stream(query.getValue("id"), (text, isLast) ->
                Content.Sink.write(response, isLast, ByteBuffer.wrap(text.getBytes())));
            callback.succeeded();
            return true;
        }
        calls.work(query.getValue("id"), query.getValue("mode"));
        response.getHeaders().put("Content-Length", "3");
        Content.Sink.write(response, true, ByteBuffer.wrap("ok\n".getBytes()));
        callback.succeeded();
        calls.late(query.getValue("id"), query.getValue("mode"));
        return true;
    }

    public static void main(String[] arguments) throws Exception {
        Server server = new Server(new java.net.InetSocketAddress("127.0.0.1", Calls.port("PORT")));
        server.setHandler(new OnJetty());
        server.start();
    }
}
