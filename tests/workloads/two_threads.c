// Sockets that two threads use for the first time in the same moment: two_threads tcp|unix PAIRS.
//
// Makes PAIRS connections, both ends of each held by this process, and waits at the gate (`$GATES`) for whoever wants to
// watch. Then both threads write one byte to each end, together; then the same with new sockets of the same kind, which
// for unix sockets have the addresses of the old ones. The last line tells how many ends there were.
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int pairs, (*ends)[2];
static atomic_int turn;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void make(int tcp) {
    int listener = -1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (tcp) {
        listener = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 16) < 0 ||
            getsockname(listener, (struct sockaddr *)&address, &length) < 0)
            fail("listen");
    }
    for (int n = 0; n < pairs; n++) {
        if (!tcp) {
            if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends[n]) < 0)
                fail("socketpair");
            continue;
        }
        ends[n][0] = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(ends[n][0], (struct sockaddr *)&address, sizeof address) < 0)
            fail("connect");
        ends[n][1] = accept(listener, NULL, NULL);
        if (ends[n][1] < 0)
            fail("accept");
    }
    if (tcp)
        close(listener);
}

// Both threads come to each socket together.
static void *use(void *argument) {
    int self = (int)(long)argument;
    for (int n = 0; n < 2 * pairs; n++) {
        atomic_fetch_add(&turn, 1);
        // The other may have to wait for this processor.
        for (long spins = 0; atomic_load(&turn) < 2 * (n + 1); spins++)
            if (spins > 2000)
                sched_yield();
        if (write(ends[n / 2][n % 2], self ? "a" : "b", 1) != 1)
            fail("write");
    }
    return NULL;
}

static void use_all(void) {
    pthread_t other;
    atomic_store(&turn, 0);
    if (pthread_create(&other, NULL, use, (void *)1) != 0)
        fail("thread");
    use((void *)0);
    pthread_join(other, NULL);
}

static void gate(void) {
    const char *gates = getenv("GATES");
    char path[4096];
    snprintf(path, sizeof path, "%s/gate.ready", gates);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    snprintf(path, sizeof path, "%s/gate.open", gates);
    while (access(path, F_OK) != 0)
        usleep(1000);
}

int main(int arguments, char **values) {
    if (arguments < 3)
        return 2;
    int tcp = strcmp(values[1], "tcp") == 0;
    pairs = atoi(values[2]);
    ends = calloc(pairs, sizeof *ends);
    struct rlimit limit = {2 * pairs + 100, 2 * pairs + 100};
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        fail("setrlimit");
    make(tcp);
    gate();
    use_all();
    for (int n = 0; n < pairs; n++) {
        close(ends[n][0]);
        close(ends[n][1]);
    }
    make(tcp);
    use_all();
    printf("%d\n", 4 * pairs);
    return 0;
}
