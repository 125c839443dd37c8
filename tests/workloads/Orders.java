// An HTTP server that asks Redis and, if it has a driver, PostgreSQL, through fewer connections than it has requests at once:
// Orders PORT REDIS_PORT threads|virtual [JDBC_URL]
//
// GET /rN asks for the key rN twice; GET /aN once more after its answer was sent. All the while somebody asks for the key `nobody`.
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

public class Orders {
    static final BlockingQueue<Socket> POOL = new ArrayBlockingQueue<>(6);
    static final BlockingQueue<Connection> DATABASE = new ArrayBlockingQueue<>(4);

    static boolean hasDatabase;

    static void get(String key) throws Exception {
        Socket redis = POOL.take();
        try {
            redis.getOutputStream().write(("*2\r\n$3\r\nGET\r\n$" + key.length() + "\r\n" + key + "\r\n").getBytes());
            byte[] answer = redis.getInputStream().readNBytes(5);
            if (!new String(answer).equals("$-1\r\n")) {
                throw new IOException(new String(answer));
            }
        } finally {
            POOL.put(redis);
        }
    }

    static void select(String key) throws Exception {
        Connection connection = DATABASE.take();
        try {
            connection.createStatement().executeQuery("SELECT 1 AS " + key).close();
        } finally {
            DATABASE.put(connection);
        }
    }

    static void handle(HttpExchange exchange) {
        try {
            String key = exchange.getRequestURI().getPath().substring(1);
            boolean hasKey = !key.isEmpty();
            if (hasKey) {
                get(key);
                Thread.sleep(5);
                get(key);
                if (hasDatabase) {
                    select(key);
                }
            }
            exchange.sendResponseHeaders(200, 3);
            exchange.getResponseBody().write("ok\n".getBytes());
            exchange.getResponseBody().close();
            if (key.startsWith("a")) {
                get(key);
            }
        } catch (Throwable failure) {
            failure.printStackTrace();
            System.exit(1);
        }
    }

    static ExecutorService executor(boolean isVirtual) throws Exception {
        if (!isVirtual) {
            return Executors.newFixedThreadPool(16);
        }
        // By its name: it is compiled by older compilers, too.
        return (ExecutorService) Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
    }

    public static void main(String[] arguments) throws Exception {
        InetAddress here = InetAddress.getByName("127.0.0.1");
        for (int index = 0; index < 6; index++) {
            Socket redis = new Socket();
            // With a limit the socket is not a blocking one.
            redis.connect(new InetSocketAddress(here, Integer.parseInt(arguments[1])), index % 2 * 1000);
            redis.setTcpNoDelay(true);
            POOL.put(redis);
        }
        boolean isVirtual = arguments[2].equals("virtual");
        hasDatabase = arguments.length > 3;
        for (int index = 0; index < 4 && hasDatabase; index++) {
            DATABASE.put(DriverManager.getConnection(arguments[3]));
        }
        HttpServer server = HttpServer.create(new InetSocketAddress(here, Integer.parseInt(arguments[0])), 100);
        ExecutorService executor = executor(isVirtual);
        server.setExecutor(executor);
        server.createContext("/", Orders::handle);
        server.start();
        executor(isVirtual).submit(() -> {
            while (true) {
                get("nobody");
                Thread.sleep(2);
            }
        });
    }
}
