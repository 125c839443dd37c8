// Spring Boot on Tomcat; its settings say on which threads.
package truth;

import jakarta.servlet.http.HttpServletResponse;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@RestController
public class Spring {
    private final Calls calls = new Calls();

    Spring() throws Exception { }

    @GetMapping("/work")
    void work(@RequestParam("id") String id, @RequestParam("mode") String mode, HttpServletResponse response) throws Exception {
        if (mode.equals("stream")) {
            calls.stream(id, (text, isLast) -> {
                response.getWriter().write(text);
                response.flushBuffer();
            });
            return;
        }
        calls.work(id, mode);
        response.setContentLength(3);
        response.getWriter().write("ok\n");
        // The client has all of it now.
        response.flushBuffer();
        calls.late(id, mode);
    }

    public static void main(String[] arguments) {
        SpringApplication.run(Spring.class, arguments);
    }
}
