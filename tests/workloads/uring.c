// An HTTP server on io_uring, by its system calls alone: uring PORT. One connection at a time; the first two exchanges of
// each are received and sent by io_uring, all others by read and write. With a second argument the receives alone go by
// io_uring, and end while the process waits in read of a pipe, with a buffer that looks like a request. Status 77: the kernel grants no io_uring.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n";
static struct io_uring_params params;
static struct io_uring_sqe *entries;
static char *submissions, *completions;
static int ring;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void *map(size_t length, off_t what) {
    void *area = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, what);
    if (area == MAP_FAILED)
        fail("mmap");
    return area;
}

static void set_up(void) {
    ring = syscall(SYS_io_uring_setup, 4, &params);
    if (ring < 0) {
        perror("io_uring_setup");
        exit(77);
    }
    submissions = map(params.sq_off.array + params.sq_entries * 4, IORING_OFF_SQ_RING);
    completions = map(params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe), IORING_OFF_CQ_RING);
    entries = map(params.sq_entries * sizeof *entries, IORING_OFF_SQES);
}

static void ring_out(int signal) {
    (void)signal;
}

static int decoy_pipe[2];

// Waits in an unrelated call: what io_uring brings meanwhile is finished on this call's way back.
static void wait_elsewhere(void) {
    static char decoy[256] = "GET /bad HTTP/1.1\r\nHost: odd.test\r\n\r\n";
    struct sigaction action = {.sa_handler = ring_out};
    struct itimerval timer = {{0, 0}, {0, 200000}};
    if (sigaction(SIGALRM, &action, NULL) < 0 || setitimer(ITIMER_REAL, &timer, NULL) < 0)
        fail("setitimer");
    (void)!read(decoy_pipe[0], decoy, sizeof decoy);
}

// One operation, and its result.
static int operate(int operation, int sock, const void *data, unsigned length) {
    unsigned *tail = (unsigned *)(submissions + params.sq_off.tail);
    unsigned slot = *tail & (params.sq_entries - 1);
    entries[slot] = (struct io_uring_sqe){.opcode = operation, .fd = sock, .addr = (unsigned long)data, .len = length};
    ((unsigned *)(submissions + params.sq_off.array))[slot] = slot;
    __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
    unsigned *head = (unsigned *)(completions + params.cq_off.head);
    unsigned *end = (unsigned *)(completions + params.cq_off.tail);
    unsigned submit = 1;
    if (operation == IORING_OP_RECV && decoy_pipe[1]) {
        if (syscall(SYS_io_uring_enter, ring, 1, 0, 0, NULL, 0) < 0)
            fail("io_uring_enter");
        submit = 0;
        wait_elsewhere();
    }
    while (__atomic_load_n(end, __ATOMIC_ACQUIRE) == *head) {
        if (syscall(SYS_io_uring_enter, ring, submit, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
            fail("io_uring_enter");
        submit = 0;
    }
    struct io_uring_cqe *results = (struct io_uring_cqe *)(completions + params.cq_off.cqes);
    int result = results[*head & (params.cq_entries - 1)].res;
    __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
    return result;
}

static void serve(int sock) {
    char request[4096];
    int length = sizeof answer - 1;
    for (int turn = 0;; turn++) {
        int ours = turn < 2;
        int got = ours ? operate(IORING_OP_RECV, sock, request, sizeof request) : read(sock, request, sizeof request);
        if (got <= 0)
            return;
        if ((ours && !decoy_pipe[1] ? operate(IORING_OP_SEND, sock, answer, length) : write(sock, answer, length)) != length)
            fail("send");
    }
}

int main(int count, char **arguments) {
    if (count < 2)
        return 2;
    set_up();
    if (count > 2 && pipe(decoy_pipe) < 0)
        fail("pipe");
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 8) < 0)
        fail("listen");
    for (;;) {
        int sock = accept(listener, NULL, NULL);
        if (sock < 0)
            fail("accept");
        serve(sock);
        close(sock);
    }
}
