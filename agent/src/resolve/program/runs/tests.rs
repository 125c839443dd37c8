use super::*;
use proptest::prelude::*;

fn split(command: &str) -> Vec<String> {
    command.split_whitespace().map(str::to_owned).collect()
}

fn named(executable: &str, arguments: &[String]) -> Option<String> {
    let package = |folder: &str| match folder {
        "/srv/shop" => Some("@acme/shop-api".to_owned()),
        "/srv/empty" => Some(String::new()),
        _ => None,
    };
    name(&Command { executable, arguments, folder: Some("/srv/basket"), package: &package }).map(String::from)
}

#[test]
fn python() {
    for (command, expected) in [
        ("python3 /usr/local/bin/uvicorn app:main", Some("app")),
        ("python3 /usr/local/bin/uvicorn --host 0.0.0.0 --port 80 shop.main:app", Some("shop")),
        ("python3 -m uvicorn shop.api.orders:app --reload", Some("orders")),
        ("python3 /venv/bin/gunicorn -b 0.0.0.0:8000 -w 4 shop.wsgi", Some("shop")),
        ("python3 /venv/bin/gunicorn -w 4 -b 0.0.0.0:8000 shop.wsgi:application", Some("shop")),
        ("python3 /venv/bin/gunicorn --name checkout app:app", Some("checkout")),
        ("python3 /venv/bin/hypercorn shop:create_app()", Some("shop")),
        ("python3 /venv/bin/flask --app shop run", Some("shop")),
        ("python3 /venv/bin/celery -A jobs.app worker", Some("jobs")),
        ("python3 /venv/bin/fastapi run src/catalog.py", Some("catalog")),
        ("python3 manage.py runserver", Some("basket")),
        ("python3 /srv/shop/manage.py runserver", Some("shop")),
        ("python3.11 orders.py --port 80", Some("orders")),
        ("python3 -X dev -W error -u ./orders.py", Some("orders")),
        ("python3 -m http.server 8000", Some("http.server")),
        ("python3 -Bum shop.orders", Some("shop.orders")),
        ("python3 -m shop.main", Some("shop")),
        ("python3 -mshop", Some("shop")),
        ("python3 -c pass", None),
        ("python3 -uc pass", None),
        ("python3 -", None),
        ("python3", None),
    ] {
        assert_eq!(named("python3.11", &split(command)).as_deref(), expected, "{command}");
    }
    for title in ["gunicorn: master [app:main]", "gunicorn: worker [app:main]", "gunicorn: worker [app]"] {
        assert_eq!(named("python3.11", &[title.to_owned()]).as_deref(), Some("app"), "{title}");
    }
}

#[test]
fn java() {
    for (command, expected) in [
        ("java -Xmx1g -jar /srv/orders-1.2.3-SNAPSHOT.jar --server.port=80", Some("orders")),
        ("java -jar shop.jar", Some("shop")),
        ("java -Dspring.application.name=billing -jar app.jar", Some("billing")),
        ("java -jar app.jar --spring.application.name=billing", Some("billing")),
        ("java -cp /a:/b -Dx=y com.acme.shop.Application", Some("shop")),
        (
            "java -classpath lib/* --add-opens java.base/java.lang=ALL-UNNAMED kafka.Kafka server.properties",
            Some("Kafka"),
        ),
        ("java -p mods -m com.acme.shop/com.acme.shop.Orders", Some("Orders")),
        ("java org.springframework.boot.loader.launch.JarLauncher", None),
        ("java -version", None),
        ("java", None),
    ] {
        assert_eq!(named("java", &split(command)).as_deref(), expected, "{command}");
    }
}

#[test]
fn node() {
    for (command, expected) in [
        ("node /srv/shop/dist/server.js", Some("shop-api")),
        ("node --max-old-space-size=512 -r dotenv/config /srv/shop/index.js", Some("shop-api")),
        ("node server.js", Some("server")),
        ("node index.js", Some("basket")),
        ("node /srv/basket/node_modules/.bin/next start", Some("basket")),
        ("node /srv/empty/orders.mjs", Some("orders")),
        ("node -e 1", None),
        ("node", None),
    ] {
        assert_eq!(named("node", &split(command)).as_deref(), expected, "{command}");
    }
}

#[test]
fn ruby() {
    for (command, expected) in [
        ("ruby orders.rb", Some("orders")),
        ("ruby -I lib -r bundler/setup ./bin/orders", Some("orders")),
        ("ruby /usr/bin/bundle exec puma -p 3000", Some("basket")),
        ("ruby /usr/bin/puma --tag checkout", Some("checkout")),
        ("ruby bin/rails server", Some("basket")),
        ("ruby -e 1", None),
    ] {
        assert_eq!(named("ruby3.1", &split(command)).as_deref(), expected, "{command}");
    }
    for (title, expected) in [
        ("puma 6.4.0 (tcp://0.0.0.0:9292) [shop]", "shop"),
        ("puma: cluster worker 0: 17 [shop]", "shop"),
        ("puma 6.4.0 (tcp://0.0.0.0:9292)", "basket"),
        ("sidekiq 7.2.0 shop [0 of 5 busy]", "shop"),
        ("unicorn master -c config/unicorn.rb", "basket"),
    ] {
        assert_eq!(named("ruby", &[title.to_owned()]).as_deref(), Some(expected), "{title}");
    }
    let releases = "/srv/shop/releases/20260101".to_owned();
    let command = Command {
        executable: "ruby",
        arguments: &split("ruby bin/rails s"),
        folder: Some(&releases),
        package: &|_| None,
    };
    assert_eq!(name(&command).as_deref(), Some("shop"));
}

#[test]
fn php() {
    assert_eq!(named("php-fpm8.2", &["php-fpm: pool shop".to_owned()]).as_deref(), Some("shop"));
    assert_eq!(named("php-fpm8.2", &["php-fpm: master process (/etc/php-fpm.conf)".to_owned()]), None);
    assert_eq!(named("php8.2", &split("php -d x=y artisan serve")).as_deref(), Some("artisan"));
    assert_eq!(named("php", &split("php -f worker.php")).as_deref(), Some("worker"));
    assert_eq!(named("php", &split("php -S 0.0.0.0:80 -t public")), None);
}

#[test]
fn what_programs_write_is_cut_and_cleaned() {
    assert_eq!(arguments(b"a\0b c\0\0"), ["a", "b c", ""]);
    assert_eq!(arguments(&b"x\0".repeat(5000)).len(), MAX_ARGUMENTS);
    let long = "é".repeat(5000);
    let name = named("python3", &["python3".to_owned(), format!("{long}.py")]).unwrap();
    assert!(name.len() <= MAX_NAME);
    assert_eq!(named("python3", &split("python3 a\u{1b}b.py")).as_deref(), Some("ab"));
    assert_eq!(named("nginx", &split("nginx -g x")), None);
}

proptest! {
    #[test]
    fn no_command_line_is_a_panic(
        executable in "(python3|ruby|node|java|php-fpm)",
        arguments in prop::collection::vec("(-[a-zA-Z]{0,3}|--[a-z]{0,8}=?|[a-z./:\\[\\] -]{0,12}|\\PC{0,6})", 0..6),
    ) {
        let _ = named(&executable, &arguments);
    }
}
