<?php
// What a server asks, by the plan of xtask/src/truth/plan.rs, for PHP-FPM: nothing runs at the same time, and nothing without a request.

function sql(string $name): void
{
    $connection = pg_pconnect('host=127.0.0.1 user=postgres dbname=postgres port=' . $_SERVER['POSTGRES_PORT']);
    pg_query($connection, "SELECT pg_sleep(0.002) AS \"$name\"");
}

function get(string $name): void
{
    $redis = new Redis();
    $redis->pconnect('127.0.0.1', (int) $_SERVER['REDIS_PORT']);
    $redis->get($name);
}

function leaf(string $name): void
{
    $curl = curl_init('http://127.0.0.1:' . $_SERVER['LEAF_PORT'] . "/leaf/$name");
    curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
    curl_exec($curl);
    curl_close($curl);
}

$name = $_GET['id'];
$mode = $_GET['mode'];
if ($mode === 'sequential') {
    sql("{$name}_s1");
    get("{$name}_s2");
    leaf("{$name}_s3");
    sql("{$name}_s4");
} elseif ($mode === 'timer') {
    usleep(3000);
    sql("{$name}_t1");
    get("{$name}_t2");
    leaf("{$name}_t3");
}
if ($mode === 'stream') {
    echo 'o';
    flush();
    sql("{$name}_c1");
    get("{$name}_c2");
    leaf("{$name}_c3");
    exit("k\n");
}
header('Content-Length: 3');
echo "ok\n";
if ($mode === 'late') {
    fastcgi_finish_request();
    usleep(2000);
    sql("{$name}_l1");
    get("{$name}_l2");
    leaf("{$name}_l3");
}
