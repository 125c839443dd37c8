// What a server asks, by the plan of xtask/src/truth/plan.rs: `work(id, mode)` before the answer,
// `stream(id, part)` within it, `late(id, mode)` after it.
// JDBC, Jedis and HttpClient; pools are smaller than the load.
package truth;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;

import redis.clients.jedis.JedisPooled;

final class Calls {
    private static final int POOL = 6;

    private interface Call {
        void run(String name) throws Exception;
    }

    private final BlockingQueue<Connection> connections = new LinkedBlockingQueue<>();
    private final JedisPooled redis = new JedisPooled("127.0.0.1", port("REDIS_PORT"));
    private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final ExecutorService executor;

    Calls() throws Exception {
        executor = executor(8);
        String url = "jdbc:postgresql://127.0.0.1:" + port("POSTGRES_PORT") + "/postgres";
        for (int i = 0; i < POOL; i++) {
            connections.add(DriverManager.getConnection(url, "postgres", ""));
        }
        Thread nobody = new Thread(this::background);
        nobody.setDaemon(true);
        nobody.start();
    }

    static int port(String name) {
        return Integer.parseInt(System.getenv(name));
    }

    // Virtual threads, which the oldest Java of the matrix does not have, or a pool of others.
    static ExecutorService executor(int threads) throws Exception {
        if (Boolean.getBoolean("virtual")) {
            return (ExecutorService) Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
        }
        return Executors.newFixedThreadPool(threads);
    }

    private void sql(String name, String seconds) throws Exception {
        Connection connection = connections.take();
        try (var statement = connection.createStatement()) {
            statement.execute("SELECT pg_sleep(" + seconds + ") AS \"" + name + "\"");
        } finally {
            connections.add(connection);
        }
    }

    private void sql(String name) throws Exception {
        sql(name, "0.002");
    }

    private void leaf(String name) throws Exception {
        URI uri = URI.create("http://127.0.0.1:" + port("LEAF_PORT") + "/leaf/" + name);
        http.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
    }

    void work(String name, String mode) throws Exception {
        switch (mode) {
            case "sequential" -> {
                sql(name + "_s1");
                redis.get(name + "_s2");
                leaf(name + "_s3");
                sql(name + "_s4");
            }
            case "fanout" -> {
                List<Future<?>> all = new ArrayList<>();
                List<Call> calls = List.of(this::sql, redis::get, this::leaf);
                for (int i = 0; i < calls.size(); i++) {
                    Call call = calls.get(i);
                    String called = name + "_f" + (i + 1);
                    all.add(executor.submit(() -> {
                        call.run(called);
                        return null;
                    }));
                }
                for (Future<?> one : all) {
                    one.get();
                }
            }
            case "timer" -> {
                Thread.sleep(3);
                sql(name + "_t1");
                redis.get(name + "_t2");
                leaf(name + "_t3");
            }
            default -> { }
        }
    }

    interface Part {
        void write(String text, boolean isLast) throws Exception;
    }

    void stream(String name, Part part) throws Exception {
        part.write("o", false);
        sql(name + "_c1");
        redis.get(name + "_c2");
        leaf(name + "_c3");
        part.write("k\n", true);
    }

    void late(String name, String mode) throws Exception {
        if (mode.equals("late")) {
            Thread.sleep(2);
            sql(name + "_l1");
            redis.get(name + "_l2");
            leaf(name + "_l3");
        }
    }

    private void background() {
        for (int number = 0; ; number++) {
            try {
                Thread.sleep(5);
                switch (number % 3) {
                    case 0 -> sql("bg" + number, "0");
                    case 1 -> redis.get("bg" + number);
                    default -> leaf("bg" + number);
                }
            } catch (Exception problem) {
                System.out.println(problem);
            }
        }
    }
}
