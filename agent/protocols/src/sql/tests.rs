//! Texts and what is said about them.

use super::*;

fn whole(text: &str) -> Statement {
    statement(text.as_bytes(), Reading { complete: true, backslash: false })
}

fn summary(text: &str) -> String {
    whole(text).summary.as_deref().unwrap_or("").to_owned()
}

#[test]
fn queries() {
    for (text, expected) in [
        ("SELECT * FROM orders WHERE id = 1", "SELECT orders"),
        ("select * from Orders o", "select Orders"),
        ("SELECT 1", "SELECT"),
        (
            "SELECT a.x FROM a JOIN b ON a.i=b.i LEFT OUTER JOIN public.c USING (i, j), d WHERE 1=1",
            "SELECT a b public.c d",
        ),
        ("SELECT * FROM \"Order Items\" i, ONLY s.\"T\" WHERE x", "SELECT \"Order Items\" s.\"T\""),
        ("SELECT * FROM generate_series(1, 3) g, t", "SELECT t"),
        ("SELECT (SELECT max(x) FROM b) FROM a WHERE i IN (SELECT i FROM c)", "SELECT SELECT b a SELECT c"),
        ("SELECT * FROM (SELECT * FROM a) x JOIN (b JOIN c ON true) ON true", "SELECT SELECT a b c"),
        ("SELECT extract(year FROM ts), trim(both from x) FROM t WHERE a IS DISTINCT FROM b", "SELECT t"),
        ("SELECT a FROM t UNION ALL SELECT b FROM u ORDER BY 1, 2", "SELECT t SELECT u"),
        ("(SELECT a FROM t) UNION (SELECT b FROM u)", "SELECT t SELECT u"),
        ("SELECT * FROM t FOR UPDATE OF t", "SELECT t"),
        ("SELECT * FROM a, LATERAL (SELECT * FROM b) x, c", "SELECT a SELECT b c"),
        ("TABLE t", "TABLE t"),
        ("VALUES (1), (2)", "VALUES"),
        ("SELECT count(*) FROM t WHERE x = ANY($1)", "SELECT t"),
        ("SELECT x FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.i = t.i) AND y > 3", "SELECT t SELECT u"),
    ] {
        assert_eq!(summary(text), expected, "{text}");
    }
}

#[test]
fn changes() {
    for (text, expected) in [
        ("INSERT INTO a (x, y) SELECT x, y FROM b", "INSERT a SELECT b"),
        ("INSERT INTO a VALUES (1, 'x') ON CONFLICT (x) DO UPDATE SET y = 1 RETURNING x", "INSERT a"),
        ("insert into s.a(x) values ($1)", "insert s.a"),
        ("UPDATE ONLY t SET x = 1 FROM u, v WHERE t.i = u.i", "UPDATE t u v"),
        ("UPDATE t SET x = (SELECT y FROM u) WHERE i = 1", "UPDATE t SELECT u"),
        ("DELETE FROM t USING a JOIN b USING (id) WHERE true", "DELETE t a b"),
        ("delete from test where id=$1 returning id", "delete test"),
        (
            "MERGE INTO t USING s ON t.i = s.i WHEN MATCHED THEN UPDATE SET x = 1 WHEN NOT MATCHED THEN INSERT VALUES (1)",
            "MERGE t s",
        ),
    ] {
        assert_eq!(summary(text), expected, "{text}");
    }
}

#[test]
fn common_table_expressions_are_not_targets() {
    for (text, expected) in [
        ("WITH x AS (SELECT i FROM a) DELETE FROM t WHERE i IN (SELECT i FROM x)", "SELECT a DELETE t SELECT"),
        ("WITH gone AS (DELETE FROM t RETURNING *) INSERT INTO log SELECT * FROM gone", "DELETE t INSERT log SELECT"),
        (
            "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r), q AS MATERIALIZED (SELECT 2) SELECT * FROM r, q, t",
            "SELECT SELECT SELECT SELECT t",
        ),
        ("SELECT * FROM (WITH x AS (SELECT 1) SELECT * FROM x) y, x", "SELECT SELECT SELECT x"),
        ("with x as (select 1) update x set y = 2", "select update x"),
    ] {
        assert_eq!(summary(text), expected, "{text}");
    }
}

#[test]
fn everything_else() {
    for (text, expected) in [
        ("BEGIN", "BEGIN"),
        ("begin isolation level serializable", "begin"),
        ("START TRANSACTION READ ONLY", "START TRANSACTION"),
        ("COMMIT;", "COMMIT"),
        ("ROLLBACK TO SAVEPOINT s1", "ROLLBACK"),
        ("SET search_path = a, b", "SET"),
        ("SHOW server_version", "SHOW"),
        ("CREATE TABLE IF NOT EXISTS t (a int, b text DEFAULT 'x')", "CREATE TABLE t"),
        ("CREATE TEMP TABLE t AS SELECT * FROM u", "CREATE TABLE t SELECT u"),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", "CREATE INDEX i"),
        ("CREATE OR REPLACE VIEW s.v AS SELECT * FROM t", "CREATE VIEW s.v SELECT t"),
        ("CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql AS $$ SELECT 1 FROM x $$", "CREATE FUNCTION f"),
        ("CREATE USER bob PASSWORD 'x'", "CREATE USER bob"),
        ("ALTER TABLE ONLY s.t ADD COLUMN c int", "ALTER TABLE s.t"),
        ("DROP TABLE IF EXISTS a, s.b CASCADE", "DROP TABLE a s.b"),
        ("TRUNCATE a, b", "TRUNCATE a b"),
        ("TRUNCATE TABLE a", "TRUNCATE TABLE a"),
        ("VACUUM (FULL, ANALYZE) t", "VACUUM t"),
        ("vacuum analyze pgbench_branches", "vacuum pgbench_branches"),
        ("LOCK TABLE t IN SHARE MODE", "LOCK TABLE t"),
        ("CALL p(1, 2)", "CALL p"),
        ("COPY t (a, b) FROM STDIN", "COPY t"),
        ("COPY (SELECT * FROM t) TO STDOUT", "COPY SELECT t"),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY v", "REFRESH MATERIALIZED VIEW v"),
        ("EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM t", "EXPLAIN SELECT t"),
        ("EXPLAIN ANALYZE DELETE FROM t", "EXPLAIN DELETE t"),
        ("PREPARE p (int) AS SELECT * FROM t WHERE i = $1", "PREPARE SELECT t"),
        ("EXECUTE p(1)", "EXECUTE"),
        ("DECLARE c CURSOR WITH HOLD FOR SELECT * FROM t", "DECLARE SELECT t"),
        ("FETCH FORWARD 10 FROM c", "FETCH"),
        ("DO $$ BEGIN DELETE FROM t; END $$", "DO"),
        ("asdsdfdsf", ""),
        ("", ""),
        ("-- nothing", ""),
        ("'x' SELECT", ""),
        ("/* c */ SELECT * FROM t -- u", "SELECT t"),
    ] {
        assert_eq!(summary(text), expected, "{text}");
    }
}

#[test]
fn a_summary_never_cuts_a_name() {
    let tables: Vec<String> = (0..60).map(|index| format!("table_number_{index}")).collect();
    let out = summary(&format!("SELECT * FROM {}", tables.join(", ")));
    assert!(out.len() <= 255 && out.len() > 230);
    assert!(out.split(' ').skip(1).all(|name| tables.iter().any(|table| table == name)), "{out}");
}

#[test]
fn an_incomplete_text_says_only_what_is_certain() {
    let text = "WITH x AS (SELECT 1 FROM s.orders) DELETE FROM items WHERE note = 'secret' AND i IN (SELECT i FROM x)";
    let full = summary(text);
    for cut in 0..text.len() {
        let part = statement(&text.as_bytes()[..cut], Reading { complete: false, backslash: false });
        assert!(part.truncated);
        assert!(full.starts_with(part.summary.as_deref().unwrap_or("")), "{cut} {part:?}");
        let summary = part.summary.as_deref().unwrap_or("");
        assert!(
            summary.len() == full.len() || summary.is_empty() || full[summary.len()..].starts_with(' '),
            "{part:?}"
        );
        assert!(!part.text.contains("secret"));
    }
}

#[test]
fn a_query_falls_apart_at_its_semicolons() {
    let pieces = |text: &str| {
        let digest = digest(text.as_bytes(), Reading { complete: true, backslash: false });
        assert_eq!(digest.total, Some(digest.pieces.len()));
        assert!(digest.pieces.last().is_none_or(|piece| piece.end == text.len()));
        digest.pieces.iter().map(|piece| piece.statement.text.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(pieces("BEGIN; SELECT ';' ;; UPDATE t SET a=$$;$$;\n"), ["BEGIN", "SELECT ?", "UPDATE t SET a=?"]);
    assert_eq!(pieces("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3").len(), 2);
    assert_eq!(
        pieces("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END; SELECT 3")
            .len(),
        2
    );
    assert_eq!(pieces(" ; -- x\n;").len(), 0);
    let many = digest("SELECT 1;".repeat(2000).as_bytes(), Reading { complete: true, backslash: false });
    assert_eq!((many.pieces.len(), many.total), (MAX_PIECES, Some(2000)));
}
