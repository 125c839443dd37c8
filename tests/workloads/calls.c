// An HTTP server that moves bytes by calls that are rarely used: calls PORT MODE. One connection at a time.
//
// Every request is answered with status 200 and a body of BODY bytes; how it comes and goes is said by MODE and path.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BODY = 100000 };

static char body[BODY], request[8192];
static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
static const char *mode;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int is(const char *name) {
    return strcmp(mode, name) == 0;
}

// Writes all of it, however often it takes.
static void write_all(int sock, const char *data, size_t left) {
    while (left > 0) {
        ssize_t done = write(sock, data, left);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            fail("write");
        data += done;
        left -= done;
    }
}

// One message of a call, or two that share the data.
static void send_messages(int sock, struct iovec *parts, unsigned count) {
    struct mmsghdr messages[2] = {0};
    for (unsigned n = 0; n < count; n++) {
        messages[n].msg_hdr.msg_iov = count == 1 ? parts : &parts[n];
        messages[n].msg_hdr.msg_iovlen = count == 1 ? 2 : 1;
    }
    int sent = sendmmsg(sock, messages, count, 0);
    if (sent != (int)count)
        fail("sendmmsg");
    // A short message of a blocking socket would be a signal's doing.
    if (messages[0].msg_len + messages[1].msg_len != parts[0].iov_len + parts[1].iov_len)
        fail("a short message");
}

static ssize_t receive(int sock, size_t there, unsigned turn) {
    char *to = request + there;
    size_t room = sizeof request - there - 1;
    if (!is("mmsg"))
        return read(sock, to, room);
    // The third request is taken in two messages of one call, all others in one.
    unsigned count = turn == 2 && there == 0 ? 2 : 1;
    struct iovec parts[2] = {{to, count == 2 ? 20 : room}, {to + 20, room - 20}};
    struct mmsghdr messages[2] = {0};
    messages[0].msg_hdr = (struct msghdr){.msg_iov = &parts[0], .msg_iovlen = 1};
    messages[1].msg_hdr = (struct msghdr){.msg_iov = &parts[1], .msg_iovlen = 1};
    int got = recvmmsg(sock, messages, count, 0, NULL);
    if (got < 0)
        return got;
    return messages[0].msg_len + (got == 2 ? messages[1].msg_len : 0);
}

// Takes the rest of a request's body from the socket, unread.
static void discard(int sock, size_t left) {
    int ends[2];
    if (pipe(ends) < 0)
        fail("pipe");
    while (left > 0) {
        ssize_t done;
        if (is("truncate")) {
            done = recv(sock, NULL, left, MSG_TRUNC);
        } else {
            done = splice(sock, NULL, ends[1], NULL, left < 4096 ? left : 4096, 0);
            if (done > 0 && read(ends[0], body, done) != done)
                fail("read of a pipe");
        }
        if (done <= 0)
            fail("discard");
        left -= done;
    }
    close(ends[0]);
    close(ends[1]);
    memset(body, 'x', BODY);
}

static void splice_body(int sock) {
    int ends[2];
    if (pipe(ends) < 0)
        fail("pipe");
    for (size_t left = BODY; left > 0;) {
        ssize_t filled = write(ends[1], body, left < 30000 ? left : 30000);
        if (filled <= 0)
            fail("write to a pipe");
        for (ssize_t rest = filled; rest > 0;) {
            ssize_t done = splice(ends[0], NULL, sock, NULL, rest, 0);
            if (done <= 0)
                fail("splice");
            rest -= done;
        }
        left -= filled;
    }
    close(ends[0]);
    close(ends[1]);
}

static void answer(int sock, unsigned turn) {
    if (is("splice")) {
        write_all(sock, head, sizeof head - 1);
        splice_body(sock);
    } else if (is("mmsg")) {
        // The second answer is two messages of one call.
        struct iovec parts[2] = {{(char *)head, sizeof head - 1}, {body, BODY}};
        send_messages(sock, parts, turn == 1 ? 2 : 1);
    } else {
        write_all(sock, head, sizeof head - 1);
        write_all(sock, body, BODY);
    }
}

static void serve(int sock) {
    for (unsigned turn = 0;; turn++) {
        size_t there = 0;
        char *end = NULL;
        while (!end) {
            ssize_t got = receive(sock, there, turn);
            if (got < 0 && errno == EINTR)
                continue;
            if (got <= 0)
                return;
            there += got;
            request[there] = 0;
            end = strstr(request, "\r\n\r\n");
        }
        char *length = strstr(request, "Content-Length: ");
        if (length && length < end) {
            size_t have = request + there - (end + 4);
            discard(sock, strtoul(length + 16, NULL, 10) - have);
        }
        answer(sock, turn);
    }
}

static void ring(int signal) {
    (void)signal;
}

int main(int count, char **arguments) {
    if (count != 3)
        return 2;
    mode = arguments[2];
    memset(body, 'x', BODY);
    signal(SIGPIPE, SIG_IGN);
    if (is("interrupted")) {
        // Without SA_RESTART: waiting calls end with EINTR, half-done ones with what is done.
        struct sigaction action = {.sa_handler = ring};
        struct itimerval timer = {{0, 7000}, {0, 7000}};
        if (sigaction(SIGALRM, &action, NULL) < 0 || setitimer(ITIMER_REAL, &timer, NULL) < 0)
            fail("setitimer");
    }
    int one = 1, small = 8192, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    // Small, so that a large answer waits for its reader.
    if (is("interrupted"))
        setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 8) < 0)
        fail("listen");
    for (;;) {
        int sock = accept(listener, NULL, NULL);
        if (sock < 0 && errno == EINTR)
            continue;
        if (sock < 0)
            fail("accept");
        serve(sock);
        close(sock);
    }
}
