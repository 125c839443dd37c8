// An account's balance from PostgreSQL and its currency from Redis: Spring Boot on Tomcat, JDBC through HikariCP, Jedis.
package accounts;

import java.util.Map;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import redis.clients.jedis.JedisPooled;

@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@RestController
public class Accounts {
    private final JedisPooled redis = new JedisPooled("127.0.0.1", Integer.parseInt(System.getenv("REDIS_PORT")));
    private final JdbcTemplate sql;

    Accounts(JdbcTemplate sql) {
        this.sql = sql;
    }

    @GetMapping("/accounts/{number}")
    Map<String, Object> account(@PathVariable("number") int number) {
        String query = "SELECT abalance FROM pgbench_accounts WHERE aid = ?";
        Integer balance = sql.queryForObject(query, Integer.class, number);
        return Map.of("account", number, "balance", balance, "currency", redis.get("currency"));
    }

    public static void main(String[] arguments) {
        SpringApplication.run(Accounts.class, arguments);
    }
}
