// PostgreSQL through JDBC: java -cp DRIVER Jdbc.java PORT
import java.sql.*;

public class Jdbc {
    public static void main(String[] arguments) throws Exception {
        String url = "jdbc:postgresql://127.0.0.1:" + arguments[0] + "/shop?user=postgres&sslmode=disable";
        try (Connection connection = DriverManager.getConnection(url)) {
            // From the fifth execution on the driver names the statement.
            try (PreparedStatement statement = connection.prepareStatement("SELECT note FROM orders WHERE id = ?")) {
                for (int n = 0; n < 7; n++) {
                    statement.setInt(1, n);
                    statement.executeQuery().close();
                }
            }
            // BEGIN goes before the first statement in the same packet; rows come in portions of one portal.
            connection.setAutoCommit(false);
            try (PreparedStatement statement = connection.prepareStatement("SELECT generate_series(1, ?)")) {
                statement.setFetchSize(100);
                statement.setInt(1, 250);
                ResultSet rows = statement.executeQuery();
                int count = 0;
                while (rows.next()) count++;
                if (count != 250) throw new IllegalStateException();
            }
            try (PreparedStatement statement = connection.prepareStatement("INSERT INTO items (order_id) VALUES (?)")) {
                for (int n = 0; n < 5; n++) {
                    statement.setInt(1, n);
                    statement.addBatch();
                }
                statement.executeBatch();
            }
            connection.commit();
        }
    }
}
